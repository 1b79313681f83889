//! A data directory: who may use it, and what is done with it when nobody does.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use location_durable::{DurableConfig, DurableLocation, Loaded, Mode, OpenError, Progress, compact, verify};
use sip_registrar::location::TableConfig;
use sip_registrar::testing::wait;
use sip_registrar::{Aor, Binding, LocationService, Record, RecordBuilder, Removal};
use sip_transport::{LegId, Now, Timestamp, Transport};

use crate::room::Room;

fn now() -> Now {
    Now::from_millis(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap())
}

fn config(directory: &Path) -> DurableConfig {
    // Whatever is left is written when it is closed, so nobody has to wait.
    let mode = Mode::Delayed { interval: Duration::from_secs(60) };
    DurableConfig { directory: directory.to_owned(), mode, table: TableConfig::default(), restart_grace: None }
}

fn open(directory: &Path) -> Result<(DurableLocation, Loaded), OpenError> {
    DurableLocation::open(&config(directory), now, &mut |_| {})
}

/// A record that was made for 10 minutes, of which so many seconds are left.
fn record(user: u32, version: u64, left: i64) -> Record {
    let (mut aor, mut scratch) = (Vec::new(), Vec::new());
    let aor = Aor::parse(&format!("sip:user{user}@example.com"), &mut aor).unwrap();
    let mut builder = RecordBuilder::new(&mut scratch, &aor, version);
    builder.push(&Binding {
        contact: b"<sip:phone@192.0.2.1:5060;transport=udp>;+sip.instance=\"<urn:uuid:0>\"",
        uri: b"sip:phone@192.0.2.1:5060;transport=udp",
        instance: b"<urn:uuid:0>",
        reg_id: None,
        q: sip_message::header::QValue::ONE,
        expires_at: Timestamp(now().at.0.saturating_add_signed(left * 1000)),
        granted: 600,
        call_id: b"0123456789abcdef0123456789abcdef",
        cseq: 1,
        path: b"",
        user_agent: b"phone/1.0",
        source: ([192, 0, 2, 1], 5060).into(),
        transport: Transport::Udp,
        leg: LegId(0),
        flow: None,
        tie: sip_registrar::Tie::None,
    });
    builder.finish().unwrap()
}

/// What is there, whole: to see that nothing was changed.
fn bytes(directory: &Path) -> Vec<u8> {
    std::fs::read(config(directory).file()).unwrap()
}

#[test]
fn one_at_a_time_uses_a_directory_and_nobody_else_reads_it() {
    let room = Room::new();
    let directory = room.path().join("made/on the way");
    let (location, loaded) = open(&directory).unwrap();
    assert!(loaded.is_new);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&directory), mode(&config(&directory).file())), (0o700, 0o600));
    for refused in
        [open(&directory).err(), verify(&directory, &mut |_| {}).err(), compact(&directory, &mut |_| {}).err()]
    {
        let refused = refused.unwrap();
        assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
        assert!(refused.to_string().contains("made/on the way"), "{refused}");
    }
    wait(location.put(record(1, 1, 600), now())).unwrap();
    location.close().unwrap();
    assert_eq!(open(&directory).unwrap().1.bindings, 1);
}

#[test]
fn verifying_says_what_there_is_and_changes_nothing() {
    let room = Room::new();
    let missing = verify(room.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(missing, OpenError::Missing { .. }), "{missing}");
    assert_eq!(room.path().read_dir().unwrap().count(), 0, "nor does it make anything");

    let (location, _) = open(room.path()).unwrap();
    for user in 0..1000 {
        // Every tenth has had its time when it is read.
        wait(location.put(record(user, 1, if user % 10 == 0 { -5 } else { 600 }), now())).unwrap();
    }
    location.close().unwrap();
    let before = bytes(room.path());
    let mut last = Progress::default();
    let found = verify(room.path(), &mut |progress| last = progress).unwrap();
    assert_eq!((found.addresses, found.bindings, found.expired, found.was_cut), (900, 900, 100, false));
    assert_eq!((found.file_bytes, found.snapshot_bytes), (before.len() as u64, 0));
    assert_eq!((last.done, last.of), (found.journal_bytes, found.journal_bytes));
    assert!(found.journal_bytes > 150_000, "{found:?}");
    assert!(bytes(room.path()) == before);
}

#[test]
fn compacting_keeps_everything_in_less_room() {
    let room = Room::new();
    let (location, _) = open(room.path()).unwrap();
    for version in 1..=10 {
        for user in 0..500 {
            wait(location.put(record(user, version, 600), now())).unwrap();
        }
    }
    wait(location.remove(&Aor::from_canonical(b"sip:user7@example.com"), Removal::All, now())).unwrap();
    location.close().unwrap();
    let done = compact(room.path(), &mut |_| {}).unwrap();
    assert_eq!((done.before > 3 * done.after, done.after), (true, bytes(room.path()).len() as u64), "{done:?}");
    let found = verify(room.path(), &mut |_| {}).unwrap();
    assert_eq!((found.bindings, found.journal_bytes), (499, 0));

    // It goes on as before.
    let (location, loaded) = open(room.path()).unwrap();
    assert_eq!((loaded.bindings, loaded.was_cut), (499, false));
    wait(location.put(record(7, 1, 600), now())).unwrap();
    location.close().unwrap();
    let (location, _) = open(room.path()).unwrap();
    for user in 0..500 {
        let aor = format!("sip:user{user}@example.com");
        let found = wait(location.lookup(&Aor::from_canonical(aor.as_bytes()), now())).unwrap();
        assert_eq!(found.map(|record| record.version()), Some(if user == 7 { 1 } else { 10 }), "{aor}");
    }
}
