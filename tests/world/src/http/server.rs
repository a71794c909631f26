//! A world that runs in real time behind a port.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::emissions::Emission;
use crate::http::api_models::{ApiModels, ModelError};
use crate::http::authorization::{Authorizer, HttpAuthorizer};
use crate::http::aws_api;
use crate::http::control::Control;
use crate::http::control_routes;
use crate::http::emulator::Emulator;
use crate::http::sink::{HttpSink, Sink};
use crate::pace::Pace;
use crate::world::World;

/// How often the world advances.
const TICK: Duration = Duration::from_millis(50);

/// The settings of a [`WorldServer`].
#[derive(Default)]
pub struct WorldConfig {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Botocore's `data` folder; without it requests are not checked against the API models.
    pub botocore_data: Option<PathBuf>,
    /// The emulator's address; it can also be given later, with [`Control::connect`].
    pub ministack_url: Option<String>,
    /// How long operations take.
    pub pace: Pace,
    /// Whether calls above the documented rates are refused.
    pub throttle: bool,
    /// Resolves access keys; by default the emulator does.
    pub authorizer: Option<Arc<dyn Authorizer>>,
    /// Receives emissions; by default the emulator does.
    pub sink: Option<Arc<dyn Sink>>,
}

/// Why a [`WorldServer`] did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The API models could not be loaded.
    #[error(transparent)]
    Models(#[from] ModelError),
    /// The port could not be bound.
    #[error("cannot listen on port {port}: {source}")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What went wrong.
        source: std::io::Error,
    },
}

/// The state shared by the routes and the clock.
pub(crate) struct Shared {
    world: Mutex<World>,
    pub(crate) models: Option<ApiModels>,
    pub(crate) authorizer: Option<Arc<dyn Authorizer>>,
    pub(crate) emulator: Emulator,
    pub(crate) requests: AtomicU64,
    emissions: Mutex<Vec<Emission>>,
}

impl Shared {
    /// Locks the world. The guard is never held across an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything emitted so far.
    pub(crate) fn emissions(&self) -> Vec<Emission> {
        self.emissions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn record(&self, emission: &Emission) {
        self.emissions.lock().unwrap_or_else(PoisonError::into_inner).push(emission.clone());
    }
}

/// A running world. It stops when it is dropped.
pub struct WorldServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl WorldServer {
    /// Starts a world on its own tasks of the current runtime.
    ///
    /// # Errors
    /// When the API models cannot be loaded or the port cannot be bound.
    pub async fn start(config: WorldConfig) -> Result<Self, StartError> {
        let emulator = Emulator::new(config.ministack_url);
        let mut world = World::new(config.pace);
        world.throttle.on = config.throttle;
        let models = config.botocore_data.as_deref().map(ApiModels::load).transpose()?;
        let authorizer = config.authorizer.unwrap_or_else(|| Arc::new(HttpAuthorizer::new(emulator.clone())));
        let sink = config.sink.unwrap_or_else(|| Arc::new(HttpSink::new(emulator.clone())));
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            models,
            authorizer: Some(authorizer),
            emulator,
            requests: AtomicU64::new(1),
            emissions: Mutex::new(Vec::new()),
        });
        let listening = |source| StartError::Listen { port: config.port, source };
        let listener = TcpListener::bind(("127.0.0.1", config.port)).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let (stop, stopped) = watch::channel(false);
        let routes = aws_api::routes().merge(control_routes::routes()).with_state(Arc::clone(&shared));
        let mut until = stopped.clone();
        let serving = tokio::spawn(async move {
            let stopping = async move {
                // An error means that the server was dropped, which stops it as well.
                let _dropped = until.wait_for(|stop| *stop).await;
            };
            if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(stopping).await {
                tracing::error!(%error, "the HTTP server failed");
            }
        });
        let running = tokio::spawn(run(Arc::clone(&shared), sink, stopped));
        tracing::info!(%address, "the world is listening");
        Ok(Self { address, shared, stop, tasks: vec![serving, running] })
    }

    /// The base URL, for example `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A handle that changes the running world.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.shared))
    }

    /// Stops the server and waits until pending requests are answered.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        for task in std::mem::take(&mut self.tasks) {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the world failed");
            }
        }
    }
}

impl Drop for WorldServer {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// Advances the world and delivers its emissions, with one worker for each account.
async fn run(shared: Arc<Shared>, sink: Arc<dyn Sink>, mut stopped: watch::Receiver<bool>) {
    let mut workers: BTreeMap<String, mpsc::UnboundedSender<Emission>> = BTreeMap::new();
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        let emissions = shared.world().advance(Timestamp::now());
        for emission in emissions {
            shared.record(&emission);
            let worker = workers.entry(emission.account().to_owned()).or_insert_with(|| worker(&sink));
            if worker.send(emission).is_err() {
                tracing::error!("a worker that delivers emissions is gone");
            }
        }
    }
}

fn worker(sink: &Arc<dyn Sink>) -> mpsc::UnboundedSender<Emission> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Emission>();
    let sink = Arc::clone(sink);
    tokio::spawn(async move {
        while let Some(emission) = receiver.recv().await {
            sink.emit(emission).await;
        }
    });
    sender
}
