//! Every reason and what it means.

use axum::Json;
use registrar_api::ReasonText;

pub(super) async fn all() -> Json<Vec<ReasonText>> {
    let all = sip_dispatch::reason::ALL.iter().chain(sip_registrar::reason::ALL);
    let text = |reason: &sip_dispatch::Reason| ReasonText {
        code: reason.code().to_owned(),
        status: reason.status(),
        says: reason.says().to_owned(),
    };
    Json(all.map(text).collect())
}
