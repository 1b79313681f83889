//! Each command that asks a running registrar.

use registrar_client::api::full_address;
use registrar_client::{Client, view};
use serde::Serialize;

use super::find::{client, failure};
use super::{addresses, json, look, watch};
use crate::Failure;
use crate::cli::{AddressArgs, ApiCommand};
use crate::say::{print, say, wrong};

pub(super) async fn command(command: &ApiCommand) -> Result<(), Failure> {
    match command {
        ApiCommand::Status(args) => {
            let status = client(args)?.status().await.map_err(|error| failure(&error))?;
            show(args.json, &status, || view::status(&status, look()))
        }
        ApiCommand::List(args) => addresses::list(args).await,
        ApiCommand::Show(AddressArgs { address, api }) => {
            let aor = client(api)?.aor(address).await.map_err(|error| failure(&error))?;
            show(api.json, &aor, || view::address(&aor, look()))
        }
        ApiCommand::Why(AddressArgs { address, api }) => {
            let why = client(api)?.why(address).await.map_err(|error| failure(&error))?;
            show(api.json, &why, || view::why(&why, look()))
        }
        ApiCommand::Watch(args) => watch::watch(args).await,
        ApiCommand::Remove(args) => {
            let removed = client(&args.api)?.remove(&args.address, args.contact.as_deref()).await;
            let removed = removed.map_err(|error| failure(&error))?;
            show(args.api.json, &removed, || view::removed(&removed))
        }
        ApiCommand::Kick(args) => {
            let kicked = kick(&client(&args.api)?, &args.what).await?;
            let text = || kicked.iter().map(|flow| format!("ended {}\n", view::clean(flow))).collect::<String>();
            show(args.api.json, &Kicked { kicked: &kicked }, text)
        }
        ApiCommand::Top(args) => {
            let client = client(&args.api)?;
            registrar_client::top::run(&client, args.every, |name| std::env::var_os(name)).await.map_err(|error| {
                match error {
                    registrar_client::top::TopError::Api(error) => failure(&error),
                    registrar_client::top::TopError::Terminal(error) => {
                        Failure::Machine(format!("error: the terminal: {error}\nhelp: registrar status is for scripts"))
                    }
                }
            })
        }
        ApiCommand::Explain(args) => {
            let effective = client(&args.api)?.effective().await.map_err(|error| failure(&error))?;
            let Some(domain) = &args.domain else {
                return show(args.api.json, &effective, || view::effective(&effective, look()));
            };
            let found = effective.domains.iter().find(|of| serves(&of.domain, domain)).ok_or_else(|| {
                let served: Vec<_> = effective.domains.iter().map(|of| view::clean(&of.domain)).collect();
                let (domain, served) = (view::clean(domain), served.join(", "));
                Failure::Missing(format!("error: {domain} is not served\nhelp: these are: {served}"))
            })?;
            show(args.api.json, found, || view::domain(found, look()))
        }
        ApiCommand::Reload(args) => {
            let reloaded = client(args)?.reload().await.map_err(|error| failure(&error))?;
            show(args.json, &reloaded, || view::reloaded(&reloaded, look()))
        }
        ApiCommand::Drain(args) => {
            client(args)?.drain().await.map_err(|error| failure(&error))?;
            say("it answers what has arrived, and stops");
            Ok(())
        }
    }
}

/// Whether a domain of the configuration is this one, or a pattern that it fits.
fn serves(pattern: &str, domain: &str) -> bool {
    sip_message::uri::Host::parse(domain.as_bytes())
        .is_ok_and(|host| sip_registrar::Domains::new([pattern]).is_ok_and(|domains| domains.serves(&host)))
}

#[derive(Serialize)]
struct Kicked<'a> {
    kicked: &'a [String],
}

/// Ends a connection, or those by which an address is registered.
async fn kick(client: &Client, what: &str) -> Result<Vec<String>, Failure> {
    let flows = if what.contains('@') || full_address(what) == what {
        let aor = client.aor(what).await.map_err(|error| failure(&error))?;
        let mut flows: Vec<_> = aor.bindings.into_iter().filter_map(|binding| binding.flow).collect();
        flows.sort();
        flows.dedup();
        flows
    } else {
        vec![what.to_owned()]
    };
    if flows.is_empty() {
        return Err(wrong(&format!("{} has no connection: what came over UDP has none", view::clean(what))));
    }
    for flow in &flows {
        client.kick(flow).await.map_err(|error| failure(&error))?;
    }
    Ok(flows)
}

fn show(as_json: bool, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
    if as_json { print(&json(value)?) } else { print(&text()) }
}
