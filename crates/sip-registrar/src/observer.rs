//! Who wants to know.

use sip_dispatch::Reason;
use sip_transport::Now;

use crate::{Aor, Record};

/// Is told of every change after the location service has accepted it.
///
/// It runs on the worker's thread between a request and its answer, so it must be quick and must not block.
pub trait Observer: Send + Sync {
    /// The bindings of `aor` were `before` and are `after`; `None` is no binding at all. What is only in `before` and
    /// had expired by `now` has left for that reason, whatever `why` says of the others: because its connection was lost,
    /// if it is suspect there.
    fn changed(&self, aor: &Aor<'_>, before: Option<&Record>, after: Option<&Record>, why: Reason, now: Now);
}
