//! MCP: the tools, how their jobs are waited for, and how results look.

mod dispatch;
mod image_argument;
mod own_image;
mod paid;
mod reply;
mod resources;
mod server;
mod tools;

use std::sync::Arc;

use rmcp::{
    model::{ClientJsonRpcMessage, ClientRequest, JsonRpcMessage},
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use tokio_util::sync::CancellationToken;

pub(crate) use server::Server;

use crate::{Scope, Shared, guard};

/// The MCP endpoint over HTTP: both eras of the protocol, without sessions, so that any replica answers any request.
pub(crate) fn http_service(
    shared: &Arc<Shared>,
    streams: CancellationToken,
) -> StreamableHttpService<Server, LocalSessionManager> {
    let server = Server::for_callers(shared.clone());
    // Plain JSON where the answer is one message; rmcp switches to a stream as soon as there is progress to tell.
    let settings = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(guard::MAX_BODY_BYTES)
        .with_cancellation_token(streams)
        // guard.rs checks Host and Origin for every address of the server.
        .disable_allowed_hosts()
        .disable_allowed_origins();
    StreamableHttpService::new(move || Ok(server.clone()), Arc::default(), settings)
}

/// What a message asks for, as far as the web must know before it lets it in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Asks {
    /// A tool, which needs these scopes, and perhaps a worker.
    Tool { needs: &'static [Scope], works: bool },
    /// To see something of the caller's.
    Look,
    /// To fetch an image of the caller's, which counts as a call of a tool does.
    Fetch,
    /// What is the same for everybody, or nothing.
    Nothing,
}

impl Asks {
    /// What `message` asks for.
    pub(crate) fn of(message: &ClientJsonRpcMessage) -> Self {
        let JsonRpcMessage::Request(request) = message else { return Self::Nothing };
        match &request.request {
            // A tool that does not exist is answered by its absence.
            ClientRequest::CallToolRequest(call) => {
                let about = tools::find(&call.params.name).map(|tool| tool.about);
                Self::Tool {
                    needs: about.map_or(&[], |about| about.needs),
                    works: about.is_some_and(|about| about.works),
                }
            }
            ClientRequest::ListResourcesRequest(_) => Self::Look,
            ClientRequest::ReadResourceRequest(_) => Self::Fetch,
            _ => Self::Nothing,
        }
    }

    /// The scopes a token must have.
    pub(crate) fn needs(self) -> &'static [Scope] {
        match self {
            Self::Tool { needs, .. } => needs,
            Self::Look | Self::Fetch => &[Scope::Read],
            Self::Nothing => &[],
        }
    }
}

/// Name and title of every tool.
pub(crate) fn tool_names() -> impl Iterator<Item = (&'static str, &'static str)> {
    tools::all().iter().map(|tool| (tool.about.name, tool.about.title))
}

/// Every tool as clients see it; the documents are made from it.
#[must_use]
pub fn tool_list() -> serde_json::Value {
    tools::all().iter().map(|entry| serde_json::json!(entry.tool)).collect()
}
