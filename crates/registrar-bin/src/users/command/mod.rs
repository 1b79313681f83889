//! `registrar user`.

mod edit;
mod import;
mod list;
mod locked;
mod secret;
mod target;

use sip_registrar::auth::{Algorithms, Grants};

use super::Address;
use super::read;
use super::user::{Password, Secrets, User};
use crate::Failure;
use crate::cli::{AddArgs, PasswdArgs, PasswordArgs, RemoveArgs, UserCommand};
use crate::say::{say, wrong};

use target::{IfMissing, Target};

/// Does what it is told with the users file.
pub(crate) fn command(command: &UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::Add(args) => add(args),
        UserCommand::Passwd(args) => passwd(args),
        UserCommand::Remove(args) => remove(args),
        UserCommand::List(args) => list::list(args),
        UserCommand::Import(args) => import::import(args),
    }
}

fn add(args: &AddArgs) -> Result<(), Failure> {
    let target = Target::of(&args.file)?;
    let address = parse_address(&args.address)?;
    let algorithms = args.algorithm.iter().map(|name| read::algorithm(name)).collect::<Result<Vec<_>, _>>();
    let algorithms = Algorithms::new(algorithms.map_err(|error| wrong(&format!("--algorithm: {error}")))?);
    Grants::new(&args.may_register).map_err(|error| wrong(&format!("--may-register: {error}")))?;
    let realm = target.realm(args.password.realm.as_deref(), None, &address)?;
    let password =
        secret::password(&args.password, &address, || target.read_or_new()?.must_not_have(&address, &target))?;
    let secrets = secrets(&args.password, &address, &realm, &password);
    let user = User { address, secrets, algorithms, may_register: args.may_register.clone() };
    target.change(IfMissing::Make, |users| {
        users.must_not_have(&user.address, &target)?;
        let mut text = users.text.clone();
        edit::append(&mut text, &user);
        Ok(text)
    })?;
    say(&format!("added {} to {target}", user.address));
    secret::show(&args.password, &password)
}

fn passwd(args: &PasswdArgs) -> Result<(), Failure> {
    let target = Target::of(&args.file)?;
    let address = parse_address(&args.address)?;
    let password =
        secret::password(&args.password, &address, || target.read()?.must_have(&address, &target).map(drop))?;
    target.change(IfMissing::Fail, |users| {
        let entry = users.must_have(&address, &target)?;
        let realm = target.realm(args.password.realm.as_deref(), entry.realm.as_deref(), &address)?;
        let secrets = secrets(&args.password, &address, &realm, &password);
        users.with_block(entry.place.block.clone(), |block| edit::with_secrets(block, &address, &secrets))
    })?;
    say(&format!("changed the password of {address} in {target}"));
    secret::show(&args.password, &password)
}

fn remove(args: &RemoveArgs) -> Result<(), Failure> {
    let target = Target::of(&args.file)?;
    let address = parse_address(&args.address)?;
    target.change(IfMissing::Fail, |users| {
        let block = users.must_have(&address, &target)?.place.block.clone();
        users.with_block(block, |block| edit::without(block, &address))
    })?;
    say(&format!("removed {address} from {target}"));
    Ok(())
}

fn secrets(args: &PasswordArgs, address: &Address, realm: &str, password: &Password) -> Secrets {
    if args.plain { Secrets::Password(password.clone()) } else { Secrets::hashed(address, realm, password) }
}

fn parse_address(text: &str) -> Result<Address, Failure> {
    Address::parse(text).map_err(|error| wrong(&error.to_string()))
}
