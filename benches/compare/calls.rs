//! A call on a kept-alive connection: through the component, natively, and the bytes alone.

use std::sync::Arc;

use agentapi_host::{Agent, Host};
use tokio::runtime::Runtime;

use crate::agent::{Agents, large, typical};
use crate::floor::Floor;
use crate::go::GoClient;
use crate::native::Native;
use crate::paired::{Effort, Race};
use crate::records::{Disks, Metrics, Storage};
use crate::stock::Stock;

/// One kind of answer.
#[derive(Clone, Copy)]
struct Kind {
    title: &'static str,
    path: &'static str,
    component: fn(Agent, u32) -> Calls,
    native: fn(Arc<Native>, u32) -> Calls,
    batch: u32,
}

type Calls = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Makes calls with a client, one after the other.
macro_rules! calls {
    ($client:ident, $call:expr) => {
        |$client, count| {
            Box::pin(async move {
                for _ in 0..count {
                    drop($call);
                }
            })
        }
    };
}

pub(crate) fn run(effort: &Effort, group: &str, runtime: &Runtime, host: &Host, runtime_name: &str) {
    let small = Kind {
        title: "a small answer (storage, 2 mounts)",
        path: "/storage",
        component: calls!(agent, agent.storage().await.unwrap()),
        native: calls!(native, native.get::<Storage>("/storage").await),
        batch: 20,
    };
    let disks = Kind {
        title: "a typical answer (8 disks)",
        path: "/disks",
        component: calls!(agent, agent.disks().await.unwrap()),
        native: calls!(native, native.get::<Disks>("/disks").await),
        batch: 20,
    };
    let metrics = Kind {
        title: "a typical answer (metrics, 12 storage targets)",
        path: "/host/metrics",
        component: calls!(agent, agent.host_metrics().await.unwrap()),
        native: calls!(native, native.get::<Metrics>("/host/metrics").await),
        batch: 20,
    };
    let many = Kind { title: "a large answer (1000 disks)", batch: 2, ..disks };
    let (kinds, scenario) = match group {
        "small" => (vec![small], typical()),
        "typical" => (vec![disks, metrics], typical()),
        _ => (vec![many], large()),
    };
    let agents = Agents::start(1, &scenario);
    for kind in &kinds {
        race(effort, runtime, host, &agents, kind, runtime_name);
    }
}

fn race(effort: &Effort, runtime: &Runtime, host: &Host, agents: &Agents, kind: &Kind, runtime_name: &str) {
    let connection = agents.first();
    let native = Arc::new(Native::new(connection));
    let agent = host.agent(connection.clone()).unwrap();
    let body_bytes = runtime.block_on(native.body(kind.path)).len();
    let floor = runtime.block_on(Floor::connect(body_bytes));
    let floor = Arc::new(tokio::sync::Mutex::new(floor));
    let mut go = GoClient::start(connection);

    let title = format!("{}, {body_bytes} bytes, {runtime_name}", kind.title);
    let mut race = Race::new(effort, title, 300);
    // In a task, as a controller makes its calls: a main thread that waits would be woken from another one.
    let on_runtime = |calls: Calls| runtime.block_on(async { tokio::spawn(calls).await.unwrap() });
    race.add("native", kind.batch, |count| on_runtime((kind.native)(Arc::clone(&native), count)));
    race.add("component", kind.batch, |count| {
        on_runtime((kind.component)(agent.clone(), count));
    });
    if let Some(go) = &mut go {
        race.add_timed("Go", kind.batch, |count| go.call(kind.path, count));
    }
    race.add("the bytes alone", kind.batch, |count| {
        let floor = Arc::clone(&floor);
        on_runtime(Box::pin(async move {
            let mut floor = floor.lock().await;
            for _ in 0..count {
                floor.ping().await;
            }
        }));
    });
    race.relate("component", "Go");
    race.run();
}

/// A new connection each time, as in a host that keeps none, against the component as it is.
pub(crate) fn run_stock(effort: &Effort, runtime: &Runtime, host: &Host) {
    let agents = Agents::start(1, &typical());
    let connection = agents.first();
    let agent = host.agent(connection.clone()).unwrap();
    let mut stock = runtime.block_on(Stock::connect(connection));
    let mut race = Race::new(effort, "a small answer, a new connection each time", 200);
    race.add("component", 20, |count| {
        let agent = agent.clone();
        runtime.block_on(async move {
            for _ in 0..count {
                drop(agent.storage().await.unwrap());
            }
        });
    });
    race.add("component, stock sender", 4, |count| {
        runtime.block_on(async {
            for _ in 0..count {
                stock.storage().await;
            }
        });
    });
    race.run();
}
