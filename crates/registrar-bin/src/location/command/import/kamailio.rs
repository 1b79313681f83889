//! Kamailio's table `location`, as the clients of its databases write it.

use std::io::Read;

use sip_message::header::QValue;

use super::entry::{End, Entry};
use super::users::aor;
use crate::time;

/// What is not in the table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Defaults<'a> {
    /// The domain of users for whom there is none.
    pub(super) domain: Option<&'a str>,
    /// How far that server's clock is ahead of UTC, in seconds.
    pub(super) utc_offset: Option<i64>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Username,
    Domain,
    Contact,
    Received,
    Path,
    Expires,
    Q,
    CallId,
    CSeq,
    UserAgent,
    Socket,
    Instance,
    RegId,
}

/// Names of columns, in lower case; the last but one as OpenSIPS has it.
const COLUMNS: [(&str, Column); 14] = [
    ("username", Column::Username),
    ("domain", Column::Domain),
    ("contact", Column::Contact),
    ("received", Column::Received),
    ("path", Column::Path),
    ("expires", Column::Expires),
    ("q", Column::Q),
    ("callid", Column::CallId),
    ("cseq", Column::CSeq),
    ("user_agent", Column::UserAgent),
    ("socket", Column::Socket),
    ("instance", Column::Instance),
    ("sip_instance", Column::Instance),
    ("reg_id", Column::RegId),
];

/// Without these nothing can be told.
const NEEDED: [(&str, Column); 3] =
    [("username", Column::Username), ("contact", Column::Contact), ("expires", Column::Expires)];

/// Gives `each` the bindings, or why a line is none, with the numbers of their lines. `start` is the beginning of the
/// input. What it gives back are the names of the columns that were not used.
///
/// # Errors
/// The header is none.
pub(super) fn read(
    input: impl Read,
    start: &[u8],
    defaults: Defaults<'_>,
    mut each: impl FnMut(u64, Result<Entry, String>),
) -> Result<Vec<String>, String> {
    let header = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let delimiter = b"\t,;|".iter().copied().find(|delimiter| header.contains(delimiter)).unwrap_or(b',');
    // mysql --batch quotes nothing, and escapes instead.
    let is_batch = delimiter == b'\t';
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).quoting(!is_batch).from_reader(input);
    let names: Vec<_> = match reader.byte_headers() {
        Ok(names) => names.iter().map(|name| String::from_utf8_lossy(name).trim().to_lowercase()).collect(),
        Err(error) => return Err(error.to_string()),
    };
    let column = |name: &String| COLUMNS.iter().find(|(known, _)| known == name).map(|(_, column)| *column);
    let columns: Vec<_> = names.iter().map(column).collect();
    if let Some((missing, _)) = NEEDED.iter().find(|(_, column)| !columns.contains(&Some(*column))) {
        return Err(format!("the first line names no column {missing}: it is to have the names of the columns"));
    }
    let mut record = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let number = record.position().map_or(0, csv::Position::line);
                each(number, entry(&columns, &record, is_batch, defaults));
            }
            Err(error) => {
                let number = error.position().map_or(0, csv::Position::line);
                let what = format!("this line has not as many columns as the first ({error})");
                let is_end = error.is_io_error();
                each(number, Err(what));
                if is_end {
                    break;
                }
            }
        }
    }
    Ok(names.into_iter().zip(columns).filter(|(_, column)| column.is_none()).map(|(name, _)| name).collect())
}

fn entry(
    columns: &[Option<Column>],
    record: &csv::ByteRecord,
    is_batch: bool,
    defaults: Defaults<'_>,
) -> Result<Entry, String> {
    let fields = columns.iter().zip(record).filter_map(|(column, field)| {
        // As databases write what is not there.
        let is_there = !matches!(field, b"" | b"NULL" | b"\\N");
        let field = if is_batch { unescaped(field) } else { field.to_vec() };
        column.filter(|_| is_there).map(|column| (column, field))
    });
    let fields: Vec<_> = fields.collect();
    let get = |wanted| fields.iter().find(|(column, _)| *column == wanted).map(|(_, field)| field.clone());
    let text = |wanted| {
        let field = get(wanted).map(String::from_utf8).transpose();
        field.map_err(|_| format!("{wanted:?} is not UTF-8"))
    };
    let name = text(Column::Username)?.ok_or("there is no username")?;
    let domain = text(Column::Domain)?;
    let cseq = text(Column::CSeq)?.unwrap_or_default();
    let reg_id = text(Column::RegId)?.and_then(|id| id.parse().ok()).filter(|id| *id > 0);
    let end = end(&text(Column::Expires)?.ok_or("there is no expires")?, defaults.utc_offset)?;
    Ok(Entry {
        aor: aor(&name, domain.as_deref().or(defaults.domain))?,
        uri: get(Column::Contact).ok_or("there is no contact")?,
        q: text(Column::Q)?.map(|text| q(&text)).transpose()?.flatten(),
        instance: get(Column::Instance).unwrap_or_default(),
        reg_id,
        end,
        call_id: get(Column::CallId).unwrap_or_default(),
        cseq: cseq.parse().unwrap_or(0),
        path: get(Column::Path).unwrap_or_default(),
        user_agent: user_agent(get(Column::UserAgent)),
        received: get(Column::Received).unwrap_or_default(),
        socket: get(Column::Socket).unwrap_or_default(),
    })
}

/// Kamailio's word for none.
pub(super) fn user_agent(text: Option<Vec<u8>>) -> Vec<u8> {
    text.filter(|text| text != b"n/a").unwrap_or_default()
}

/// A preference; below 0 there is none.
pub(super) fn q(text: &str) -> Result<Option<QValue>, String> {
    let q: f64 = text.parse().map_err(|_| format!("q {text:?} is no number"))?;
    if q < 0.0 {
        return Ok(None);
    }
    // In range after rounding.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1000")]
    let thousandths = (0.0..=1.0).contains(&q).then(|| (q * 1000.0).round() as u16);
    let q = thousandths.and_then(QValue::from_thousandths);
    q.map(Some).ok_or_else(|| format!("q {text} is not from 0 to 1"))
}

/// A date, a number of seconds since the epoch (`expires_type`), or SQLite's Julian day. Kamailio has 0 for what never
/// ends, and 10 for what has been removed.
fn end(text: &str, utc_offset: Option<i64>) -> Result<End, String> {
    let seconds = |seconds: u64| match seconds {
        0 => End::Never,
        seconds => End::At(seconds.saturating_mul(1000)),
    };
    if let Ok(number) = text.parse::<u64>() {
        return Ok(seconds(number));
    }
    if let Some(at) = text.parse::<f64>().ok().and_then(time::from_julian_day) {
        return Ok(seconds(at / 1000));
    }
    match time::from_sql(text, || utc_offset) {
        Some(Ok(at)) => Ok(seconds(at / 1000)),
        Some(Err(time::NoOffset)) => Err(format!("{text} is local time: --utc-offset says which, such as +01:00 or Z")),
        None => Err(format!("expires {text:?} is no time")),
    }
}

/// `mysql --batch` writes tabs, ends of lines and backslashes as two characters each.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(field.len());
    let mut bytes = field.iter().copied();
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'\\' => match bytes.next() {
                Some(b't') => b'\t',
                Some(b'n') => b'\n',
                Some(b'0') => b'\0',
                Some(other) => other,
                None => b'\\',
            },
            byte => byte,
        });
    }
    text
}

#[cfg(test)]
mod tests;
