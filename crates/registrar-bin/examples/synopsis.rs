//! A registrar of one's own in some twenty lines, as the README shows it.

use sip_dispatch::links::{Fallback, Sanity};
use sip_dispatch::{Config, Dispatcher, ReceiveChain, Share};
use sip_registrar::Registrar;
use sip_transport::{Server, ServerConfig, Shutdown, WorkerId};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registrar =
        Registrar::builder().min_expires(10).max_expires(60).domains(["example.com", "example.org"]).build()?;
    let chain = ReceiveChain::new([
        Sanity { supported: Some(&["path"]), ..Sanity::default() }.into(),
        registrar.clone().into(),
        Fallback { allow: &["REGISTER"] }.into(),
    ]);
    let legs = vec!["udp:127.0.0.1:5060".parse()?, "tcp:127.0.0.1:5060".parse()?];
    let server = Server::bind(ServerConfig { legs, ..ServerConfig::default() })?;
    let workers = server.workers();
    let dispatcher = |worker: WorkerId| {
        let share = Share { index: usize::from(worker.0), of: workers };
        Dispatcher::new(chain.clone(), Config::default(), share)
    };
    server.run(dispatcher, &Shutdown::new())?;
    Ok(())
}
