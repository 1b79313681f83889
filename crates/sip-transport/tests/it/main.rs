//! Real sockets on the loopback, and an [`Ingress`](sip_transport::Ingress) that does as the message says.

#[cfg(test)]
mod control;
mod drain;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod legs;
mod lifetimes;
mod limits;
mod pending;
#[cfg(test)]
mod ping;
#[cfg(test)]
mod proxy;
mod tcp;
mod tick;
#[cfg(test)]
#[cfg(feature = "tls")]
mod tls;
mod udp;
#[cfg(test)]
#[cfg(feature = "ws")]
mod websocket;
