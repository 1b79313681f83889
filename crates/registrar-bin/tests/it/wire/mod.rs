//! What the registrar answers, byte by byte, to clients made of bare sockets.

mod methods;
mod registration;
mod tcp;
mod udp;
