//! One instance as the contract has it, in a host of the test's own: what `connect` does the second time, when it fails
//! and before the first, and what the component holds to whatever its host does.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use agentapi_host::embedded_component;
use agentapi_host::records::{BackupJob, StorageView};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame};
use wasmtime::component::{Component, ComponentNamedList, ComponentType, Instance, Lift, Linker, Lower, ResourceTable};
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi_http::{
    Error as WasiError, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};
use wasmtime_wasi_io::IoView;

use crate::support::STORAGE;

const FIRST: &str = "abababababababababababababababababababababababababababababababab";
const SECOND: &str = "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd";
const LIMIT: usize = 1024 * 1024;
/// What the host refuses to pin.
const ELSEWHERE: &str = "elsewhere";
const UNKNOWN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A host that takes down what it is told, and has one answer to every request.
struct Own {
    table: ResourceTable,
    http: WasiHttpCtx,
    told: Told,
}

struct Told {
    pins: Vec<(String, Vec<Vec<u8>>)>,
    /// Method, URI, authorization and content type.
    requests: Vec<String>,
    body: fn() -> Chunks,
}

/// The body of an answer, as it comes.
struct Chunks(VecDeque<Result<Bytes, WasiError>>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = WasiError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, WasiError>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| chunk.map(Frame::data)))
    }
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum Refusal {
    #[component(name = "authority")]
    Authority(String),
    #[component(name = "fingerprints")]
    Fingerprints(String),
}

/// `error` of `felhom:agentapi/types`, as any host has to read it.
#[derive(Debug, PartialEq, ComponentType, Lift)]
#[component(variant)]
enum Error {
    #[component(name = "not-connected")]
    NotConnected,
    #[component(name = "invalid-argument")]
    InvalidArgument(String),
    #[component(name = "denied")]
    Denied(String),
    #[component(name = "pin-mismatch")]
    PinMismatch,
    #[component(name = "unreachable")]
    Unreachable(String),
    #[component(name = "tls")]
    Tls(String),
    #[component(name = "interrupted")]
    Interrupted(String),
    #[component(name = "deadline")]
    Deadline(Progress),
    #[component(name = "http-status")]
    HttpStatus(u16),
    #[component(name = "response-too-large")]
    ResponseTooLarge(u64),
    #[component(name = "bad-envelope")]
    BadEnvelope(String),
    #[component(name = "agent")]
    Agent(String),
    #[component(name = "decode")]
    Decode(String),
}

#[derive(Clone, Copy, Debug, PartialEq, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
enum Progress {
    #[component(name = "sending")]
    Sending,
    #[component(name = "waiting")]
    Waiting,
    #[component(name = "receiving")]
    Receiving,
}

impl Told {
    fn pin(&mut self, authority: String, leaves: Vec<Vec<u8>>) -> Result<(), Refusal> {
        if authority.starts_with(ELSEWHERE) {
            return Err(Refusal::Authority("not there".into()));
        }
        if leaves.contains(&vec![0; 32]) {
            return Err(Refusal::Fingerprints("not those".into()));
        }
        self.pins.push((authority, leaves));
        Ok(())
    }
}

type Trailing = Box<dyn Future<Output = Result<(), WasiError>> + Send>;

impl WasiHttpHooks for Told {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Trailing,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Trailing), WasiError>> + Send> {
        let header = |name| request.headers().get(name).map_or("none", |value| value.to_str().unwrap());
        let (token, kind) = (header(AUTHORIZATION), header(CONTENT_TYPE));
        self.requests.push(format!("{} {} {token} {kind}", request.method(), request.uri()));
        let answer = Response::new((self.body)().boxed_unsync());
        Box::new(async {
            request.into_body().collect().await?;
            Ok((answer, Box::new(async { Ok(()) }) as Trailing))
        })
    }
}

impl WasiHttpView for Own {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.told }
    }
}

impl IoView for Own {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

/// An instance that nobody has connected.
struct Client {
    instance: Instance,
    store: Store<Own>,
}

impl Client {
    async fn new(body: fn() -> Chunks) -> Self {
        static COMPILED: OnceLock<(Engine, Component)> = OnceLock::new();
        let (engine, component) = COMPILED.get_or_init(|| {
            let engine = Engine::default();
            let component = Component::new(&engine, embedded_component()).unwrap();
            (engine, component)
        });
        let mut linker = Linker::<Own>::new(engine);
        wasmtime_wasi_io::add_to_linker_async(&mut linker).unwrap();
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
        let mut pinning = linker.instance("felhom:agentapi/pinning@0.1.0").unwrap();
        let pin = |mut store: StoreContextMut<'_, Own>, (authority, leaves)| {
            Ok((store.data_mut().told.pin(authority, leaves),))
        };
        pinning.func_wrap("pin", pin).unwrap();
        let told = Told { pins: Vec::new(), requests: Vec::new(), body };
        let mut store = Store::new(engine, Own { table: ResourceTable::new(), http: WasiHttpCtx::new(), told });
        let instance = linker.instantiate_async(&mut store, component).await.unwrap();
        Self { instance, store }
    }

    async fn connect(&mut self, endpoint: &str, token: &str, pins: &[&str]) -> Result<(), Error> {
        let (outcome,) = self.call("session", "connect", (endpoint, token, pins)).await;
        outcome
    }

    async fn mounts(&mut self) -> Result<StorageView, Error> {
        let (outcome,) = self.call("storage", "mounts", ()).await;
        outcome
    }

    async fn start_backup(&mut self) -> Result<BackupJob, Error> {
        let (outcome,) = self.call("backup", "start", ()).await;
        outcome
    }

    async fn call<P, R>(&mut self, interface: &str, name: &str, arguments: P) -> R
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let Self { instance, store } = self;
        let interface = instance.get_export_index(&mut *store, None, &format!("felhom:agentapi/{interface}@0.1.0"));
        let function = instance.get_export_index(&mut *store, interface.as_ref(), name).unwrap();
        let function = instance.get_typed_func::<P, R>(&mut *store, function).unwrap();
        function.call_async(store, arguments).await.unwrap()
    }

    fn told(&self) -> &Told {
        &self.store.data().told
    }
}

fn whole() -> Chunks {
    Chunks([Ok(STORAGE.into())].into())
}

/// A whole answer, with blanks up to this length.
fn padded(length: usize) -> Chunks {
    Chunks([Ok(STORAGE.into()), Ok(" ".repeat(length - STORAGE.len()).into())].into())
}

#[tokio::test]
async fn before_the_first_connect_every_call_is_not_connected() {
    let mut client = Client::new(whole).await;
    assert_eq!(client.mounts().await, Err(Error::NotConnected));
    assert_eq!(client.start_backup().await, Err(Error::NotConnected));
    assert!(client.told().requests.is_empty());
}

#[tokio::test]
async fn connect_states_the_authority_and_every_fingerprint() {
    let mut client = Client::new(whole).await;
    client.connect(" Agent ", "token", &[FIRST, SECOND]).await.unwrap();
    assert_eq!(client.told().pins, [("agent:443".to_string(), vec![vec![0xab; 32], vec![0xcd; 32]])]);
    assert!(client.told().requests.is_empty(), "connect sends nothing");
}

#[tokio::test]
async fn a_second_connect_replaces_the_first() {
    let mut client = Client::new(whole).await;
    client.connect("agent:1", "first", &[FIRST]).await.unwrap();
    client.mounts().await.unwrap();
    client.connect("agent:2", "second", &[SECOND]).await.unwrap();
    client.mounts().await.unwrap();
    assert_eq!(
        client.told().requests,
        ["GET https://agent:1/storage Bearer first none", "GET https://agent:2/storage Bearer second none"]
    );
}

#[tokio::test]
async fn a_connect_that_fails_leaves_the_instance_as_it_was() {
    let failures = [
        ("", "token", FIRST, "invalid-argument"),
        ("agent:2", "", FIRST, "invalid-argument"),
        ("agent:2", "token", "ab", "invalid-argument"),
        (ELSEWHERE, "token", FIRST, "denied"),
        ("agent:2", "token", UNKNOWN, "denied"),
    ];
    for (endpoint, token, pin, kind) in failures {
        let mut client = Client::new(whole).await;
        for connected in [false, true] {
            if connected {
                client.connect("agent:1", "first", &[FIRST]).await.unwrap();
            }
            let error = client.connect(endpoint, token, &[pin]).await.unwrap_err();
            let found = match &error {
                Error::InvalidArgument(_) => "invalid-argument",
                Error::Denied(why) if ["not there", "not those"].contains(&why.as_str()) => "denied",
                _ => "another kind",
            };
            assert_eq!(found, kind, "{error:?}");
            assert_eq!(client.mounts().await.is_ok(), connected, "{endpoint:?} {token:?} {pin:?}");
        }
        assert_eq!(client.told().requests, ["GET https://agent:1/storage Bearer first none"]);
    }
}

#[tokio::test]
async fn a_post_says_that_its_body_is_json() {
    let mut client = Client::new(whole).await;
    client.connect("agent", "token", &[FIRST]).await.unwrap();
    assert_eq!(client.start_backup().await.unwrap().vmid, 101);
    assert_eq!(client.told().requests, ["POST https://agent:443/backup Bearer token application/json"]);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_even_if_the_host_lets_it_pass() {
    let mut client = Client::new(|| padded(LIMIT)).await;
    client.connect("agent", "token", &[FIRST]).await.unwrap();
    assert_eq!(client.mounts().await.unwrap().vmid, 101, "in two chunks");
    client.store.data_mut().told.body = || padded(LIMIT + 1);
    assert_eq!(client.mounts().await, Err(Error::ResponseTooLarge(LIMIT as u64)));
}

#[tokio::test]
async fn a_body_that_fails_is_interrupted_however_much_of_it_came() {
    let mut client = Client::new(|| Chunks([Ok(STORAGE.into()), Err(WasiError::HttpResponseIncomplete)].into())).await;
    client.connect("agent", "token", &[FIRST]).await.unwrap();
    let error = client.mounts().await.unwrap_err();
    assert!(matches!(error, Error::Interrupted(_)), "{error:?}");
}
