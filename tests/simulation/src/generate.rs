//! Generates a history from a seed.

mod combinations;

use crate::fleet::{Amendment, Environment, Fleet, Model};
use crate::history::{
    Action, Alarm, Approval, CallSelector, Change, DeliveryFault, DriftObservation, EndpointFailure, History,
    InvocationFault, ManualChange, ReportContent, Step, Topic,
};
use crate::rng::SeededRng;
use crate::site::SiteId;
use crate::temporary;

/// How often each kind of step occurs in a history. Every history has its own weights, and most kinds are left out of
/// it: faults that need many actions of one kind are found as well.
struct Profile {
    weights: Vec<(u64, Kind)>,
    gaps: Vec<(u64, (u64, u64))>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Push,
    Register,
    Approve,
    Reject,
    Reconsider,
    Edit,
    Hold,
    Release,
    GoBack,
    Force,
    ApproveEnvironment,
    ManualChange,
    Traffic,
    Alarm,
    Report,
    DriftObserved,
    Metrics,
    Container,
    Endpoint,
    Temporary,
    Job,
    ClearFaults,
    Sweep,
    Tick,
    DeliveryFault,
    CallFault,
    Throttling,
    Redrive,
    Replay,
    Race,
    Withdraw,
    Heal,
    Amend,
    HoldBack,
    Hinder,
}

/// Each kind with its usual weight, and in how many of a hundred histories it occurs.
const KINDS: [(Kind, u64, u64); 35] = [
    (Kind::Push, 8, 70),
    (Kind::Register, 8, 90),
    (Kind::Approve, 14, 97),
    (Kind::Reject, 4, 60),
    (Kind::Reconsider, 2, 30),
    (Kind::Edit, 3, 40),
    (Kind::Hold, 3, 35),
    (Kind::Release, 4, 35),
    (Kind::GoBack, 3, 35),
    (Kind::Force, 2, 20),
    (Kind::ApproveEnvironment, 4, 25),
    (Kind::ManualChange, 2, 30),
    (Kind::Traffic, 8, 60),
    (Kind::Alarm, 6, 60),
    (Kind::Report, 4, 40),
    (Kind::DriftObserved, 4, 40),
    (Kind::Metrics, 2, 25),
    (Kind::Container, 2, 25),
    (Kind::Endpoint, 3, 35),
    (Kind::Temporary, 4, 50),
    (Kind::Job, 1, 20),
    (Kind::ClearFaults, 2, 50),
    (Kind::Sweep, 14, 90),
    (Kind::Tick, 8, 70),
    (Kind::DeliveryFault, 20, 75),
    (Kind::CallFault, 40, 85),
    (Kind::Throttling, 2, 25),
    (Kind::Redrive, 3, 60),
    (Kind::Replay, 1, 15),
    (Kind::Race, 8, 50),
    (Kind::Withdraw, 5, 40),
    (Kind::Heal, 4, 30),
    (Kind::Amend, 2, 30),
    (Kind::HoldBack, 4, 30),
    (Kind::Hinder, 6, 60),
];

/// Seconds between steps: at once, soon, while things are under way, after them, much later, when claims are forgotten.
const GAPS: [(u64, (u64, u64)); 7] = [
    (25, (0, 2)),
    (20, (3, 59)),
    (25, (60, 600)),
    (20, (600, 3_600)),
    (8, (3_600, 28_800)),
    (2, (43_200, 172_800)),
    (1, (1_300_000, 1_500_000)),
];

impl History {
    /// The history of a seed.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        let mut rng = SeededRng::new(seed);
        let fleet = Fleet::draw(&mut rng);
        let profile = Profile::draw(&mut rng);
        let length = rng.weighted(&[(3, (8, 20)), (5, (20, 45)), (2, (45, 90))]).copied().unwrap_or((20, 45));
        let count = rng.between(length.0, length.1);
        let mut at = 0;
        let mut steps = Vec::new();
        // Without a version there is nothing to deploy.
        for model in fleet.models.iter().filter(|_| rng.chance(85)) {
            let model = model.name.clone();
            steps.push(Step { at, action: Action::Register { model: model.clone() } });
            steps.push(Step { at, action: Action::Review { model, back: 0, approval: Approval::Approved } });
        }
        for _ in 0..count {
            let (least, most) = rng.weighted(&profile.gaps).copied().unwrap_or((1, 60));
            at += rng.between(least, most);
            for (after, what) in profile.steps(&fleet, &mut rng) {
                at += after;
                steps.push(Step { at, action: what });
            }
        }
        Self { about: String::new(), expects: Vec::new(), seed: Some(seed), fleet, steps }
    }
}

impl Profile {
    fn draw(rng: &mut SeededRng) -> Self {
        let calm = rng.chance(15);
        let mut weights = Vec::new();
        for (kind, weight, often) in KINDS {
            let fault = matches!(
                kind,
                Kind::DeliveryFault
                    | Kind::CallFault
                    | Kind::Throttling
                    | Kind::Replay
                    | Kind::Race
                    | Kind::Withdraw
                    | Kind::Heal
                    | Kind::HoldBack
                    | Kind::Hinder
            );
            if rng.chance(often) && !(calm && fault) {
                weights.push((weight * rng.one(2, &[1, 1, 2, 4, 8]), kind));
            }
        }
        let gaps = GAPS.iter().map(|(weight, gap)| (weight * rng.one(2, &[0, 1, 2, 4]), *gap)).collect();
        Self { weights, gaps }
    }

    /// One step mostly; some things only go wrong together, and come together.
    fn steps(&self, fleet: &Fleet, rng: &mut SeededRng) -> Vec<(u64, Action)> {
        let (Some(kind), Some(model)) = (rng.weighted(&self.weights).copied(), rng.pick(&fleet.models))
        else {
            return Vec::new();
        };
        match kind {
            Kind::Race => combinations::race(model, rng),
            Kind::Withdraw => combinations::withdrawal(model, rng),
            Kind::Heal => combinations::healing(model, rng),
            Kind::HoldBack => combinations::holding_back(model, rng),
            Kind::Hinder => combinations::hindrance(model, rng),
            kind => step(kind, model, fleet, rng).into_iter().map(|what| (0, what)).collect(),
        }
    }
}

fn step(kind: Kind, model: &Model, fleet: &Fleet, rng: &mut SeededRng) -> Option<Action> {
    let name = model.name.clone();
    let somewhere = rng.pick(&model.environments)?.site;
    let back = || 0;
    Some(match kind {
        Kind::Push => Action::Push { model: name, branch: branch(rng), change: change(rng) },
        Kind::Amend => Action::Amend { model: name, change: amendment(model, rng)? },
        Kind::Register => Action::Register { model: name },
        Kind::Approve => Action::Review { model: name, back: back_of(rng), approval: Approval::Approved },
        Kind::Reject => Action::Review { model: name, back: back_of(rng), approval: Approval::Rejected },
        Kind::Reconsider => Action::Review { model: name, back: back(), approval: Approval::Pending },
        Kind::Edit => Action::Edit { model: name, back: back_of(rng) },
        Kind::Hold | Kind::Release => {
            let site = rng.chance(60).then_some(somewhere);
            match kind {
                Kind::Hold => Action::Hold { model: name, site },
                _ => Action::Release { model: name, site },
            }
        }
        Kind::GoBack => Action::GoBack { model: name, site: somewhere },
        Kind::Force => Action::Force { model: name, site: somewhere, back: back_of(rng) },
        Kind::ApproveEnvironment => {
            let by = rng.one("bob", &["carol", "dave"]).to_owned();
            Action::ApproveEnvironment { model: name, site: somewhere, back: back_of(rng), by }
        }
        Kind::ManualChange => {
            let change = rng.one(
                ManualChange::Update,
                &[ManualChange::Update, ManualChange::Update, ManualChange::Delete],
            );
            Action::ManualChange { model: name, site: somewhere, change }
        }
        Kind::Traffic => {
            let requests = rng.one(1, &[1, 3]);
            Action::Traffic { model: name, site: somewhere, requests }
        }
        Kind::Temporary => Action::Temporary { model: name, site: somewhere, what: temporary::draw(rng) },
        Kind::Job => Action::Job { model: name },
        Kind::ClearFaults => Action::ClearFaults,
        Kind::Container => Action::Container { model: name, site: somewhere },
        Kind::Endpoint => {
            let others = [
                EndpointFailure::SilentRollback,
                EndpointFailure::Rollback,
                EndpointFailure::Component,
                EndpointFailure::MovedTag,
            ];
            Action::Endpoint {
                model: name,
                site: somewhere,
                failure: rng.one(EndpointFailure::Creation, &others),
            }
        }
        Kind::Alarm | Kind::Report | Kind::DriftObserved | Kind::Metrics => data(kind, model, somewhere, rng),
        _ => trouble(kind, &fleet.sites(), rng)?,
    })
}

fn back_of(rng: &mut SeededRng) -> u8 {
    rng.one(0, &[0, 0, 0, 1, 1, 2])
}

fn branch(rng: &mut SeededRng) -> String {
    rng.one("main", &["main", "main", "release/1", "feature/x"]).to_owned()
}

fn change(rng: &mut SeededRng) -> Change {
    let often = [Change::Code, Change::Code, Change::Pipeline, Change::Pipeline];
    if rng.chance(18) {
        rng.one(Change::Nonsense, &[Change::Gone, Change::Branch, Change::SetBack, Change::SetBack])
    } else {
        rng.one(Change::Code, &often)
    }
}

fn data(kind: Kind, model: &Model, site: SiteId, rng: &mut SeededRng) -> Action {
    let model = model.name.clone();
    match kind {
        Kind::Alarm => {
            let state = rng.one(Alarm::On, &[Alarm::On, Alarm::On, Alarm::Off, Alarm::Unknown, Alarm::Muted]);
            Action::Alarm { model, site, state }
        }
        Kind::Report => {
            let content = rng.one(
                ReportContent::Violations,
                &[
                    ReportContent::Violations,
                    ReportContent::Nothing,
                    ReportContent::Damaged,
                    ReportContent::BrokenFeed,
                    ReportContent::BrokenFeed,
                    ReportContent::DriftAndBrokenFeed,
                    ReportContent::PipelineCheck,
                    ReportContent::NoSuchDate,
                ],
            );
            Action::Report { model, site, content }
        }
        Kind::DriftObserved => {
            let others = [
                DriftObservation::Drift,
                DriftObservation::NoDrift,
                DriftObservation::Insufficient,
                DriftObservation::SourceFailed,
            ];
            Action::DriftObserved { model, site, verdict: rng.one(DriftObservation::Drift, &others) }
        }
        _ => Action::Metrics { site, silent: rng.chance(60) },
    }
}

fn amendment(model: &Model, rng: &mut SeededRng) -> Option<Amendment> {
    let site = *rng.pick(&SiteId::ENVIRONMENTS)?;
    Some(match model.at(site) {
        Some(_) => Amendment::Soak { site, minutes: rng.one(None, &[Some(10), Some(60), Some(240)]) },
        None => Amendment::Add { environment: Environment::draw(site, site.index() - 1, rng) },
    })
}

fn trouble(kind: Kind, sites: &[SiteId], rng: &mut SeededRng) -> Option<Action> {
    let site = *rng.pick(sites)?;
    let function = rng.pick(&site.functions())?.to_string();
    Some(match kind {
        Kind::Sweep => Action::Sweep { site, function },
        Kind::Tick => Action::Tick { site: *rng.pick(sites.get(1..)?)? },
        Kind::DeliveryFault => Action::DeliveryFault { topic: topic(rng), fault: delivery_fault(rng) },
        Kind::CallFault => {
            let call = u8::try_from(rng.weighted(&[(6, 4), (3, 9), (1, 25)]).copied().unwrap_or(4)).ok()?;
            let call = u8::try_from(rng.below(u64::from(call) + 1)).ok()?;
            Action::CallFault {
                site,
                function,
                call: CallSelector::Number(call),
                fault: invocation_fault(rng),
            }
        }
        Kind::Throttling => {
            Action::Throttling { site, seconds: rng.one(120, &[30, 600, 3_600]), passes: rng.one(3, &[2, 5]) }
        }
        Kind::Redrive => Action::Redrive { site, function },
        _ => Action::Replay { site, hours: rng.one(24, &[1, 100]) },
    })
}

fn topic(rng: &mut SeededRng) -> Topic {
    use Topic::{
        Alarm, Drift, Endpoint, Finished, Package, People, Push, Report, Request, Retraining, Schedule, Wake,
    };
    let others = [
        Package, Package, Endpoint, Endpoint, Alarm, Report, Drift, Retraining, Request, Request, Finished,
        Finished, Wake, Schedule, People, People,
    ];
    rng.one(Push, &others)
}

fn delivery_fault(rng: &mut SeededRng) -> DeliveryFault {
    let late = [(3, (5, 120)), (3, (120, 3_600)), (3, (3_600, 36_000)), (1, (86_400, 200_000))];
    let (least, most) = rng.weighted(&late).copied().unwrap_or((5, 120));
    let seconds = u32::try_from(rng.between(least, most)).unwrap_or(60);
    rng.one(
        DeliveryFault::Lost,
        &[
            DeliveryFault::Lost,
            DeliveryFault::Late(seconds),
            DeliveryFault::Late(seconds),
            DeliveryFault::Again(seconds),
            DeliveryFault::Times(3),
        ],
    )
}

fn invocation_fault(rng: &mut SeededRng) -> InvocationFault {
    let wait = InvocationFault::Pause(rng.one(5, &[1, 20, 59]));
    let others = [
        InvocationFault::CrashAfter,
        InvocationFault::CrashBefore,
        InvocationFault::CrashAfter,
        InvocationFault::Error,
        InvocationFault::Throttled,
        InvocationFault::Denied,
        InvocationFault::ResponseLost,
        wait,
        wait,
    ];
    rng.one(InvocationFault::CrashBefore, &others)
}
