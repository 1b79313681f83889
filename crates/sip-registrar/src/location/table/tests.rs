use super::*;
use crate::location::sample::record;

#[test]
fn to_prepare_waits_for_nobody_and_changes_nothing() {
    let now = Now::from_millis(1_700_000_000_000);
    let table = Table::new(TableConfig { shards: 1, ..TableConfig::default() }, ());
    let aors = ["sip:alice@example.com", "sip:bob@example.com"].map(|aor| Aor::from_canonical(aor.as_bytes()));
    let records = aors.map(|aor| record(&aor, 1, now.at.plus_seconds(60)));
    for record in &records {
        table.put(record.clone(), now).unwrap();
    }
    let messages = aors.map(|aor| format!("REGISTER sip:example.com SIP/2.0\r\nTo: <{aor}>\r\n\r\n"));
    let messages = [messages[0].as_bytes(), messages[1].as_bytes(), b"\r\nTo: <sip:nobody@example.com>\r\n", b""];
    let coming = Coming::new(&messages);
    assert_eq!(coming.addresses().len(), 3);
    {
        // Would be waited for without end: it is this thread's own.
        let _part = table.shards[0].lock();
        table.prepare(&coming);
    }
    table.prepare(&coming);
    assert_eq!(aors.map(|aor| table.get(&aor)), records.map(Some));
}
