//! The component in a host of wasmtime's own parts, to compare with.
//!
//! It sends as wasmtime's default does: a new connection and a new TLS configuration for each request, so that no session
//! is resumed. Only the verifier is another one, because the agent signs its own certificate.

use agentapi_host::{Target, embedded_component};
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use wasmtime::component::{Component, HasData, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::native::Native;

#[allow(missing_docs, unreachable_pub, reason = "generated code")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "wit",
        inline: "
            package bench:bindings;

            world stock {
                import felhom:agentapi/pinning@0.2.1;
                export felhom:agentapi/session@0.2.1;
                export felhom:agentapi/storage@0.2.1;
            }
        ",
        world: "bench:bindings/stock",
        exports: { default: async },
    });
}

use bindings::felhom::agentapi::pinning;

/// One connected instance.
pub(crate) struct Stock {
    store: Store<State>,
    guest: bindings::Stock,
}

impl Stock {
    /// Connects to the agent anew for each request.
    pub(crate) async fn connect(connection: &Target) -> Self {
        let mut config = Config::new();
        // As the host has it, so that the compiled code is the same.
        config.epoch_interruption(true);
        let engine = Engine::new(&config).unwrap();
        let component = Component::new(&engine, embedded_component()).unwrap();
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi_io::add_to_linker_async(&mut linker).unwrap();
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
        pinning::add_to_linker::<_, Pinning>(&mut linker, |state: &mut State| &mut state.hooks).unwrap();
        let state = State { table: ResourceTable::new(), http: WasiHttpCtx::new(), hooks: Hooks(connection.clone()) };
        let mut store = Store::new(&engine, state);
        store.set_epoch_deadline(1);
        let guest = bindings::Stock::instantiate_async(&mut store, &component, &linker).await.unwrap();
        let (endpoint, token) = (connection.endpoint.to_string(), connection.token.reveal());
        let pins: Vec<_> = connection.pins.iter().map(ToString::to_string).collect();
        guest.felhom_agentapi_session().call_connect(&mut store, &endpoint, token, &pins).await.unwrap().unwrap();
        Self { store, guest }
    }

    pub(crate) async fn storage(&mut self) {
        let Self { store, guest } = self;
        guest.felhom_agentapi_storage().call_mounts(store).await.unwrap().unwrap();
    }
}

struct State {
    table: ResourceTable,
    http: WasiHttpCtx,
    hooks: Hooks,
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

impl IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

struct Pinning;

impl HasData for Pinning {
    type Data<'a> = &'a mut Hooks;
}

/// Sends each request on a connection of its own, to this agent.
struct Hooks(Target);

impl pinning::Host for Hooks {
    fn pin(&mut self, _: String, _: Vec<Vec<u8>>) -> Result<(), pinning::Refusal> {
        Ok(())
    }
}

type Sending = Box<dyn Future<Output = Result<(Response<WasiBody>, Rest), Error>> + Send>;
type Rest = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Sending {
        Box::new(connect_and_send(self.0.clone(), request))
    }
}

async fn connect_and_send(target: Target, mut request: Request<WasiBody>) -> Result<(Response<WasiBody>, Rest), Error> {
    let stream = Native::new(&target).connect_tls().await;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
    let worker = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let rest: Rest = Box::new(async move {
        // The end of the connection is waited for, as wasmtime does; its error is the body's too.
        let _ = worker.await;
        Ok(())
    });
    Ok((response.map(|body| body.map_err(Error::from).boxed_unsync()), rest))
}
