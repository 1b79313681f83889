//! `registrar user list`.

use serde_json::json;

use super::target::Target;
use crate::Failure;
use crate::cli::ListArgs;
use crate::say::print;
use crate::users::user::{Secrets, User};

/// Shows every user in the order of the file, and nothing that is secret.
pub(super) fn list(args: &ListArgs) -> Result<(), Failure> {
    let mut text = String::new();
    let mut objects = Vec::new();
    Target::of(&args.file)?
        .read_users(|user| if args.json { objects.push(object(&user)) } else { line(&mut text, &user) })?;
    if args.json {
        text = format!("{:#}\n", serde_json::Value::Array(objects));
    }
    print(&text)
}

fn line(text: &mut String, user: &User) {
    let functions: Vec<_> = user.functions().map(|function| function.name()).collect();
    let algorithms: Vec<_> = user.algorithms.iter().map(|algorithm| algorithm.name()).collect();
    text.push_str(&format!("{:<32}{}", format!("{} ", user.address), functions.join(" ")));
    if let Secrets::Password(_) = user.secrets {
        text.push_str(", plain password");
    }
    if let Some(realm) = realm(user) {
        text.push_str(&format!(", realm {realm:?}"));
    }
    if !algorithms.is_empty() {
        text.push_str(&format!(", challenged with {}", algorithms.join(" ")));
    }
    if !user.may_register.is_empty() {
        text.push_str(&format!(", may register {}", user.may_register.join(" ")));
    }
    text.push('\n');
}

fn object(user: &User) -> serde_json::Value {
    json!({
        "address": user.address.as_str(),
        "plain": matches!(user.secrets, Secrets::Password(_)),
        "functions": user.functions().map(|function| function.name()).collect::<Vec<_>>(),
        "realm": realm(user),
        "algorithms": user.algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>(),
        "may_register": user.may_register,
    })
}

fn realm(user: &User) -> Option<&str> {
    if let Secrets::Hashes { realm, .. } = &user.secrets { realm.as_deref() } else { None }
}
