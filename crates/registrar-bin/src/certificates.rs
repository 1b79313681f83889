//! Certificates: read at the start, and again while it runs.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use registrar_api::CertificateStatus;
use sip_transport::{CertificateInfo, ClientCertificates, Tls, TlsError, TlsFiles, TlsMaterial};

use crate::Failure;
use crate::config::Settings;
use crate::reread::{Occasion, Reread, Stamped, Watch};
use crate::time::rfc3339;

/// From when on it is said that a certificate ends soon.
const SOON: Duration = Duration::from_secs(14 * DAY);
const DAY: u64 = 86_400;
/// How often it is said again.
const REMINDER: Duration = Duration::from_secs(DAY);

/// What the listeners present, one for each set of files.
pub(crate) struct Certificates(Vec<Presented>);

/// A set of files, and what was made of it last.
struct Presented {
    files: TlsFiles,
    tls: Tls,
    watch: Watch,
    /// What the log said last of a reading that failed.
    failure: Option<String>,
    reminded: Option<SystemTime>,
}

impl Certificates {
    /// Reads those of all listeners.
    ///
    /// # Errors
    /// What is wrong with the first that is.
    pub(crate) fn open(settings: &Settings) -> Result<Self, Failure> {
        let mut presented: Vec<Presented> = Vec::new();
        for files in settings.listen.iter().flatten().filter_map(|listener| listener.tls.as_ref()) {
            if presented.iter().all(|other| other.files != *files) {
                presented.push(Presented::open(files)?);
            }
        }
        Ok(Self(presented))
    }

    /// What was made of these files.
    pub(crate) fn of(&self, files: &TlsFiles) -> Option<Tls> {
        self.0.iter().find(|presented| presented.files == *files).map(|presented| presented.tls.clone())
    }

    /// All that is presented.
    pub(crate) fn handles(&self) -> Vec<Tls> {
        self.0.iter().map(|presented| presented.tls.clone()).collect()
    }

    /// Which there are and until when, for people; `None` if there are none.
    pub(crate) fn says(&self) -> Option<String> {
        let all: Vec<_> =
            self.0.iter().flat_map(|presented| presented.tls.certificates()).map(|one| says(&one)).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// What should not stay as it is.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let now = SystemTime::now();
        let all = self.0.iter().flat_map(|presented| presented.tls.certificates());
        all.filter_map(|certificate| warning(&certificate, now)).collect()
    }

    /// Reads them again whenever they have changed or somebody asks for it, in a thread of its own; `None` if there are
    /// none.
    pub(crate) fn watch(mut self) -> Option<io::Result<Reread>> {
        (!self.0.is_empty()).then(|| {
            Reread::spawn("certificates", move |occasion| {
                for presented in &mut self.0 {
                    presented.look(occasion, SystemTime::now());
                }
            })
        })
    }
}

/// In how many days the first certificate of all ends; 0 if it has.
pub(crate) fn days_left(all: &[Tls], now: SystemTime) -> Option<u64> {
    let ends = all.iter().flat_map(Tls::certificates).map(|certificate| certificate.not_after).min()?;
    Some(ends.duration_since(now).unwrap_or_default().as_secs() / DAY)
}

/// Each certificate that is presented, as the API tells of it.
/// Their files, and when each ends, since 1970.
pub(crate) fn ends(all: &[Tls]) -> Vec<(String, Duration)> {
    let end = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let all = all.iter().flat_map(Tls::certificates);
    all.map(|certificate| (certificate.chain.display().to_string(), end(certificate.not_after))).collect()
}

pub(crate) fn status(all: &[Tls], now: SystemTime) -> Vec<CertificateStatus> {
    let seconds = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let certificates = all.iter().flat_map(Tls::certificates);
    let status = certificates.map(|certificate| {
        let (end, now) = (seconds(certificate.not_after), seconds(now));
        let days = i64::try_from(end.abs_diff(now) / DAY).unwrap_or(i64::MAX);
        CertificateStatus {
            file: certificate.chain.display().to_string(),
            names: certificate.names,
            not_after: rfc3339(end.saturating_mul(1000)),
            // One that ended an hour ago has ended.
            days_left: if end >= now { days } else { -days.saturating_add(1) },
        }
    });
    status.collect()
}

impl Presented {
    fn open(files: &TlsFiles) -> Result<Self, Failure> {
        let (material, stamped) = load(files);
        let material = material.map_err(|error| Failure::Settings(format!("error: {error}")))?;
        let (tls, watch) = (Tls::new(material), Watch::new(stamped));
        Ok(Self { files: files.clone(), tls, watch, failure: None, reminded: None })
    }

    fn look(&mut self, occasion: Occasion, now: SystemTime) {
        if occasion == Occasion::Asked || self.watch.look(&paths(&self.files)) {
            self.read_again(occasion);
        }
        let is_due = self.reminded.is_none_or(|last| now.duration_since(last).is_ok_and(|ago| ago >= REMINDER));
        if is_due {
            self.reminded = Some(now);
            for warning in self.tls.certificates().iter().filter_map(|certificate| warning(certificate, now)) {
                tracing::warn!("{warning}");
            }
        }
    }

    /// Takes what the files hold now if all of it is good.
    fn read_again(&mut self, occasion: Occasion) {
        let (material, stamped) = load(&self.files);
        let moving = stamped == Stamped::Moving;
        self.watch = Watch::new(stamped);
        if moving {
            tracing::info!("certificates not read again yet: a file is just being written");
            return;
        }
        match material {
            Ok(material) => {
                self.failure = None;
                self.reminded = None;
                self.tls.replace(material);
                let certificates: Vec<_> = self.tls.certificates().iter().map(says).collect();
                let certificates = certificates.join(", ");
                tracing::info!(certificates, "certificates read again: new connections get these");
            }
            Err(error) => {
                let error = error.to_string();
                // Once for each failure, however often it is met.
                if occasion == Occasion::Asked || self.failure.as_ref() != Some(&error) {
                    tracing::error!(%error, "certificates not read again: those of before stay until the files are good");
                }
                self.failure = Some(error);
            }
        }
    }
}

fn load(files: &TlsFiles) -> (Result<TlsMaterial, TlsError>, Stamped) {
    Stamped::while_reading(&paths(files), || files.load())
}

fn paths(files: &TlsFiles) -> Vec<&Path> {
    let pairs = files.certificates.iter().flat_map(|pair| [&pair.chain, &pair.key]);
    let ca = match &files.clients {
        ClientCertificates::Off => None,
        ClientCertificates::Optional(ca) | ClientCertificates::Required(ca) => Some(ca),
    };
    pairs.chain(ca).map(PathBuf::as_path).collect()
}

/// For whom a certificate is, and until when.
fn says(certificate: &CertificateInfo) -> String {
    let names = if certificate.names.is_empty() { "nobody".to_owned() } else { certificate.names.join(" ") };
    format!("{names} (until {})", date(certificate.not_after))
}

fn warning(certificate: &CertificateInfo, now: SystemTime) -> Option<String> {
    let (file, names) = (certificate.chain.display(), certificate.names.join(" "));
    if certificate.not_before > now {
        return Some(format!("the certificate {file} ({names}) is not valid before {}", date(certificate.not_before)));
    }
    let left = certificate.not_after.duration_since(now).unwrap_or_default();
    if left.is_zero() {
        let ended = date(certificate.not_after);
        return Some(format!(
            "the certificate {file} ({names}) has ended on {ended}: phones refuse it; put a new one in its place"
        ));
    }
    (left < SOON).then(|| {
        format!("the certificate {file} ({names}) ends on {}: put a new one in its place", date(certificate.not_after))
    })
}

/// The day, in UTC.
fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    rfc3339(seconds.saturating_mul(1000)).chars().take("2026-11-23".len()).collect()
}
