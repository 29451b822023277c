//! POST /sideload/reload: has the sideload nodes of all tasks read their sources again.

use crate::call::Call;
use crate::reply::Reply;
use http::StatusCode;

/// POST /sideload/reload
pub async fn reload(call: Call) -> Reply {
    match call.server.engine.reload_sources().await {
        Ok(()) => Reply::no_content(),
        Err(why) => Reply::error(StatusCode::INTERNAL_SERVER_ERROR, &why),
    }
}
