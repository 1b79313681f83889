//! Which listeners can stand beside each other.

use sip_transport::LegSpec;

/// Why there cannot be `leg` where there is one of `others`, as the kernel would say later and with fewer words.
pub(crate) fn conflict(others: &[LegSpec], leg: LegSpec) -> Option<String> {
    let other = others.iter().find(|other| overlap(**other, leg))?;
    Some(if *other == leg {
        format!("leg {leg} is named twice")
    } else {
        let (wide, narrow) = if other.addr().ip().is_unspecified() { (*other, leg) } else { (leg, *other) };
        format!("leg {narrow} is part of leg {wide}, which is on every address of this machine: leave one of them out")
    })
}

fn overlap(one: LegSpec, other: LegSpec) -> bool {
    let (a, b) = (one.addr(), other.addr());
    let same_port = one.transport() == other.transport() && a.port() == b.port() && a.port() != 0;
    // A leg on [::] takes IPv6 only.
    let same_place = a.is_ipv4() == b.is_ipv4() && (a == b || a.ip().is_unspecified() || b.ip().is_unspecified());
    same_port && same_place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legs_conflict_where_a_request_could_arrive_at_either() {
        for (one, other, conflicts) in [
            ("udp:127.0.0.1:5060", "udp:127.0.0.1:5060", true),
            ("udp:127.0.0.1", "udp:127.0.0.1:5060", true),
            ("udp:0.0.0.0:5060", "udp:127.0.0.1:5060", true),
            ("tcp:[::1]:5060", "tcp:[::]:5060", true),
            ("udp:127.0.0.1:0", "udp:127.0.0.1:0", false),
            ("udp:127.0.0.1:5060", "tcp:127.0.0.1:5060", false),
            ("udp:127.0.0.1:5060", "udp:127.0.0.1:5061", false),
            ("udp:127.0.0.1:5060", "udp:127.0.0.2:5060", false),
            ("udp:0.0.0.0:5060", "udp:[::]:5060", false),
        ] {
            let leg = |spec: &str| spec.parse::<LegSpec>().unwrap();
            assert_eq!(conflict(&[leg(one)], leg(other)).is_some(), conflicts, "{one} {other}");
            assert_eq!(conflict(&[leg(other)], leg(one)).is_some(), conflicts, "{other} {one}");
        }
    }
}
