//! A function where it runs.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tidegate_deploy::Deploy;
use tidegate_engine::{Engine, EngineError, Handler, Meter, NoDecisionLog, NoTime, Outcome};
use tidegate_events::Event;
use tidegate_promote::Promote;
use tidegate_respond::Respond;
use tidegate_scale::Scale;
use tidegate_train::Train;

use crate::poll::at_once;
use crate::{Book, Function, Mirror};

/// The environment's name in the hub.
pub const HUB: &str = "hub";

/// Seconds until deploy looks again at what sends no event; the templates' value.
const CHECK_SECONDS: u32 = 60;

/// How long a claim is one invocation's; the templates' value.
const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// The hub, or one environment: where functions run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The environment's name; [`HUB`] in the hub.
    pub environment: String,
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// The account that may command here.
    pub hub_account: String,
}

impl Site {
    /// What sites are put in order by.
    pub(crate) fn key(&self) -> [&str; 3] {
        [&self.environment, &self.account, &self.region]
    }
}

/// The functions of a site, with the ledger and the mirror that they reach.
pub struct Crew {
    /// Where they run.
    pub site: Site,
    /// Their ledger.
    pub book: Arc<Book>,
    /// What AWS says in their account.
    pub mirror: Arc<Mirror>,
    engine: Engine,
    train: Train,
    promote: Promote,
    deploy: Deploy,
    respond: Respond,
    scale: Scale,
}

impl Crew {
    /// The functions of a site. `hub` is the mirror of the hub's account, whose registry every environment asks.
    #[must_use]
    pub fn new(site: Site, book: Arc<Book>, mirror: Arc<Mirror>, hub: &Arc<Mirror>) -> Self {
        let own = || Arc::clone(&mirror);
        let engine = Engine {
            function: Function::Train.name(),
            version: env!("CARGO_PKG_VERSION"),
            site: Arc::new(tidegate_policy::site::Site {
                environment: site.environment.clone(),
                account: site.account.clone(),
                region: site.region.clone(),
                hub_account: site.hub_account.clone(),
                check_seconds: CHECK_SECONDS,
            }),
            request_id: String::new(),
            lease: LEASE,
            ledger: Arc::<Book>::clone(&book),
            bus: own(),
            alerts: own(),
            schedules: own(),
            time: Arc::new(NoTime),
            decision_log: Arc::new(NoDecisionLog),
            meter: Meter::default(),
        };
        Self {
            engine,
            train: Train { repository: own(), pipelines: own() },
            promote: Promote { registry: own() },
            deploy: Deploy { registry: Arc::<Mirror>::clone(hub), endpoints: own(), sampler: own() },
            respond: Respond { reports: own(), alarms: own() },
            scale: Scale { metrics: own(), capacity: own() },
            site,
            book,
            mirror,
        }
    }

    /// One invocation.
    ///
    /// # Errors
    /// The function's own.
    pub fn invoke(
        &mut self,
        function: Function,
        event: &Event,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, EngineError> {
        self.engine.function = function.name();
        request_id.clone_into(&mut self.engine.request_id);
        self.mirror.set_now(now);
        let handler: &dyn Handler = match function {
            Function::Train => &self.train,
            Function::Promote => &self.promote,
            Function::Deploy => &self.deploy,
            Function::Respond => &self.respond,
            Function::Scale => &self.scale,
        };
        at_once(handler.handle(&self.engine, event, now)).unwrap_or_else(|| {
            let message = "a port did not answer at once".to_owned();
            Err(EngineError::Stored { what: "mirror".to_owned(), message })
        })
    }
}
