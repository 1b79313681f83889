use super::*;
use crate::users::user::HashOf;

const MD5: &str = "md5 = '939e7578ed9e3c518a452acee763bce9'\n";

fn users(text: &str) -> Vec<User> {
    let mut users = Vec::new();
    read(text, |user, _| users.push(user)).unwrap_or_else(|problems| panic!("{problems:#?}"));
    users
}

fn problems(text: &str) -> Vec<(usize, String)> {
    let problems = read(text, |_, _| {}).expect_err(text);
    problems.by_line(text).collect()
}

/// Expects one problem, in this line and saying this.
fn one_problem(text: &str, line: usize, said: &str) {
    match problems(text).as_slice() {
        [(at, what)] => assert!(*at == line && what.contains(said), "{text}: {at}: {what}"),
        other => panic!("{text}: {other:#?}"),
    }
}

#[test]
fn a_user_has_everything_that_is_written() {
    let sha = "d388dad90d4bbd760a152321f2143af7";
    let text = format!(
        "[user.'Alice@Example.COM']\n{MD5}sha-256-address = '{sha}{sha}'\nrealm = 'asterisk'\n\
         algorithms = ['SHA-256', 'md5']\nmay_register = 'sales@example.com'\n"
    );
    let [user] = users(&text).try_into().unwrap();
    assert_eq!(user.address.as_str(), "Alice@example.com");
    let Secrets::Hashes { hashes, realm } = &user.secrets else { panic!("{user:?}") };
    let hashes: Vec<_> = hashes.iter().map(|hash| (hash.ha1.function(), hash.of)).collect();
    assert_eq!(hashes, [(HashFunction::Md5, HashOf::Name), (HashFunction::Sha256, HashOf::Address)]);
    assert_eq!(realm.as_deref(), Some("asterisk"));
    assert_eq!(user.algorithms.iter().collect::<Vec<_>>(), [Algorithm::Sha256, Algorithm::Md5]);
    assert_eq!(user.may_register, ["sales@example.com"]);
    assert_eq!(user.account("example.com").realm(), b"asterisk");
}

#[test]
fn users_can_be_written_in_every_way_that_toml_knows() {
    for text in [
        format!("[user.'a@x']\n{MD5}[user.'b@x']\npassword = 'p'\n"),
        format!("[user]\n'a@x' = {{ {} }}\n'b@x'.password = 'p'\n", MD5.trim()),
        format!("user.'a@x'.{MD5}\n[user]\n['user'.'b@x']\n  password = '''\np'''\n"),
    ] {
        let users = users(&text);
        let names: Vec<_> = users.iter().map(|user| user.address.as_str()).collect();
        assert_eq!(names, ["a@x", "b@x"], "{text}");
        assert!(matches!(&users[1].secrets, Secrets::Password(password) if password.reveal() == "p"));
    }
    assert!(users("").is_empty() && users("# nobody yet\n").is_empty());
}

#[test]
fn the_place_of_a_user_is_its_name_and_its_block() {
    let text = format!("# top\n\n[user.'a@x']\n{MD5}\n# b\n[user.'b@x']\n{MD5}");
    let mut places = Vec::new();
    read(&text, |_, place| places.push(place)).unwrap();
    assert!(places.iter().map(|place| &text[place.name.clone()]).eq(["'a@x'", "'b@x'"]));
    assert!(text[places[1].block.clone()].starts_with("# b\n[user.'b@x']"));
}

#[test]
fn one_address_stands_once_and_both_places_are_named() {
    let text = format!("[user.'alice@example.com']\n{MD5}[user.'%61lice@EXAMPLE.com']\n{MD5}");
    one_problem(&text, 3, "alice@example.com stands twice: here and in line 1");
    let text = format!("[user.'alice@example.com']\n{MD5}[user.'alice@example.com']\n{MD5}");
    one_problem(&text, 3, "alice@example.com stands twice: here and in line 1");
}

#[test]
fn every_problem_is_found_with_its_line() {
    for (entry, line, said) in [
        ("md5 = 'abc'", 2, "[a@x] md5 must be 32 hexadecimal digits"),
        ("sha-256 = '939e7578ed9e3c518a452acee763bce9'", 2, "sha-256 must be 64 hexadecimal digits"),
        ("md5 = 5", 2, "md5 must be a text in quotes"),
        ("", 1, "this user has no secret: it has one or more of md5, sha-256"),
        ("pasword = 'x'\nmd5 = '939e7578ed9e3c518a452acee763bce9'", 2, "did you mean password?"),
        ("password = ''", 2, "the password is empty"),
        ("password = \"a\\nb\"", 2, "the password has control characters"),
        ("password = 'x'\nrealm = 'r'", 2, "remove it, or them"),
        ("password = 'x'\nmd5 = '939e7578ed9e3c518a452acee763bce9'", 2, "there are hashes or a realm beside it"),
        ("password = 'x'\nalgorithms = ['SHA-1']", 3, "\"SHA-1\" is no algorithm; there are MD5"),
        ("password = 'x'\nmay_register = ['sales']", 3, "\"sales\" is no address"),
        ("md5 = '939e7578ed9e3c518a452acee763bce9'\nrealm = '\"'", 3, "realm must be"),
        ("md5 = '939e7578ed9e3c518a452acee763bce9'\nalgorithms = 'SHA-256'", 1, "no hash for it"),
        ("md5 = '939e", 2, "this is no TOML"),
    ] {
        one_problem(&format!("[user.'a@x']\n{entry}\n"), line, said);
    }
    one_problem("[users.'a@x']\npassword = 'x'\n", 1, "did you mean user?");
    one_problem("[user.alice]\npassword = 'x'\n", 1, "\"alice\" is no address of a user");
    one_problem("\nuser = 5\n", 2, "a table of tables");
    one_problem("user.'a@x' = 5\n", 1, "written as [user.\"name\"]");
}

#[test]
fn a_broken_entry_does_not_hide_the_problems_of_others() {
    let text = format!("[user.'a@x']\nmd5 = 1\n[user.'b@x'\n{MD5}[user.'c@x']\n{MD5}[user.'d@x']\n");
    assert_eq!(problems(&text).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 7]);
}

#[test]
fn a_text_of_several_lines_in_which_one_looks_like_a_header_is_never_misread() {
    let text = "[user.'a@x']\npassword = '''\n[user.'b@x']\npassword = 'x'\n'''\n";
    assert!(problems(text).iter().all(|(_, what)| what.contains("no TOML")));
}

#[test]
fn a_file_full_of_problems_is_not_read_to_its_end() {
    let text: String = (0..10_000).map(|n| format!("[user.'{n}@x']\nmd5 = ''\n")).collect();
    let problems = read(&text, |_, _| {}).unwrap_err();
    assert_eq!(problems.0.len(), MAX_PROBLEMS + 1);
}
