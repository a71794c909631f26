//! A story out of a seed.

mod together;

use crate::fleet::{Amendment, Environment, Fleet, Model};
use crate::place::Where;
use crate::random::Dice;
use crate::step::{
    Alarm, Approval, Change, Failure, Found, Goes, Hand, Post, Saw, Step, Story, Topic, What, Which,
};

/// How often each kind of step occurs in a history. Every history has its own weights, and most kinds are left out of
/// it: what only goes wrong if one thing happens all the time is found as well.
struct Mood {
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
    Agree,
    ByHand,
    Traffic,
    Alarm,
    Report,
    Observed,
    Metrics,
    Container,
    Endpoint,
    Job,
    Repaired,
    Sweep,
    Tick,
    Post,
    Call,
    Storm,
    Redrive,
    Replay,
    Race,
    Withdraw,
    Heal,
    Amend,
    HoldBack,
}

/// Each kind with its usual weight, and in how many of a hundred histories it occurs.
const KINDS: [(Kind, u64, u64); 31] = [
    (Kind::Push, 8, 70),
    (Kind::Register, 8, 90),
    (Kind::Approve, 14, 97),
    (Kind::Reject, 4, 60),
    (Kind::Reconsider, 2, 30),
    (Kind::Edit, 3, 40),
    (Kind::Hold, 3, 35),
    (Kind::Release, 4, 35),
    (Kind::Agree, 4, 25),
    (Kind::ByHand, 2, 30),
    (Kind::Traffic, 8, 60),
    (Kind::Alarm, 6, 60),
    (Kind::Report, 4, 40),
    (Kind::Observed, 4, 40),
    (Kind::Metrics, 2, 25),
    (Kind::Container, 2, 25),
    (Kind::Endpoint, 3, 35),
    (Kind::Job, 1, 20),
    (Kind::Repaired, 2, 50),
    (Kind::Sweep, 14, 90),
    (Kind::Tick, 8, 70),
    (Kind::Post, 20, 75),
    (Kind::Call, 40, 85),
    (Kind::Storm, 2, 25),
    (Kind::Redrive, 3, 60),
    (Kind::Replay, 1, 15),
    (Kind::Race, 8, 50),
    (Kind::Withdraw, 5, 40),
    (Kind::Heal, 4, 30),
    (Kind::Amend, 2, 30),
    (Kind::HoldBack, 4, 30),
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

impl Story {
    /// The story of a seed.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let fleet = Fleet::draw(&mut dice);
        let mood = Mood::draw(&mut dice);
        let length =
            dice.weighted(&[(3, (8, 20)), (5, (20, 45)), (2, (45, 90))]).copied().unwrap_or((20, 45));
        let count = dice.between(length.0, length.1);
        let mut at = 0;
        let mut steps = Vec::new();
        // Without a version there is nothing to deploy.
        for model in fleet.models.iter().filter(|_| dice.chance(85)) {
            let model = model.name.clone();
            steps.push(Step { at, what: What::Register { model: model.clone() } });
            steps.push(Step { at, what: What::Say { model, back: 0, approval: Approval::Approved } });
        }
        for _ in 0..count {
            let (least, most) = dice.weighted(&mood.gaps).copied().unwrap_or((1, 60));
            at += dice.between(least, most);
            for (after, what) in mood.steps(&fleet, &mut dice) {
                at += after;
                steps.push(Step { at, what });
            }
        }
        Self { about: String::new(), expects: Vec::new(), seed: Some(seed), fleet, steps }
    }
}

impl Mood {
    fn draw(dice: &mut Dice) -> Self {
        let calm = dice.chance(15);
        let mut weights = Vec::new();
        for (kind, weight, often) in KINDS {
            let fault = matches!(
                kind,
                Kind::Post
                    | Kind::Call
                    | Kind::Storm
                    | Kind::Replay
                    | Kind::Race
                    | Kind::Withdraw
                    | Kind::Heal
                    | Kind::HoldBack
            );
            if dice.chance(often) && !(calm && fault) {
                weights.push((weight * dice.one(2, &[1, 1, 2, 4, 8]), kind));
            }
        }
        let gaps = GAPS.iter().map(|(weight, gap)| (weight * dice.one(2, &[0, 1, 2, 4]), *gap)).collect();
        Self { weights, gaps }
    }

    /// One step mostly; some things only go wrong together, and come together.
    fn steps(&self, fleet: &Fleet, dice: &mut Dice) -> Vec<(u64, What)> {
        let (Some(kind), Some(model)) = (dice.weighted(&self.weights).copied(), dice.pick(&fleet.models))
        else {
            return Vec::new();
        };
        match kind {
            Kind::Race => together::race(model, dice),
            Kind::Withdraw => together::withdrawal(model, dice),
            Kind::Heal => together::healing(model, dice),
            Kind::HoldBack => together::holding_back(model, dice),
            kind => step(kind, model, fleet, dice).into_iter().map(|what| (0, what)).collect(),
        }
    }
}

fn step(kind: Kind, model: &Model, fleet: &Fleet, dice: &mut Dice) -> Option<What> {
    let name = model.name.clone();
    let somewhere = dice.pick(&model.environments)?.place;
    let back = || 0;
    Some(match kind {
        Kind::Push => What::Push { model: name, branch: branch(dice), change: change(dice) },
        Kind::Amend => What::Amend { model: name, how: amendment(model, dice)? },
        Kind::Register => What::Register { model: name },
        Kind::Approve => What::Say { model: name, back: back_of(dice), approval: Approval::Approved },
        Kind::Reject => What::Say { model: name, back: back_of(dice), approval: Approval::Rejected },
        Kind::Reconsider => What::Say { model: name, back: back(), approval: Approval::Pending },
        Kind::Edit => What::Edit { model: name, back: back_of(dice) },
        Kind::Hold | Kind::Release => {
            let place = dice.chance(60).then_some(somewhere);
            match kind {
                Kind::Hold => What::Hold { model: name, place },
                _ => What::Release { model: name, place },
            }
        }
        Kind::Agree => {
            let by = dice.one("bob", &["carol", "dave"]).to_owned();
            What::Agree { model: name, place: somewhere, back: back_of(dice), by }
        }
        Kind::ByHand => {
            let how = dice.one(Hand::Update, &[Hand::Update, Hand::Update, Hand::Delete]);
            What::ByHand { model: name, place: somewhere, how }
        }
        Kind::Traffic => {
            let requests = dice.one(1, &[1, 3]);
            What::Traffic { model: name, place: somewhere, requests }
        }
        Kind::Job => What::Job { model: name },
        Kind::Repaired => What::Repaired,
        Kind::Container => What::Container { model: name, place: somewhere },
        Kind::Endpoint => {
            let others = [Failure::SilentRollback, Failure::Rollback, Failure::Component];
            What::Endpoint { model: name, place: somewhere, fails: dice.one(Failure::Creation, &others) }
        }
        Kind::Alarm | Kind::Report | Kind::Observed | Kind::Metrics => data(kind, model, somewhere, dice),
        _ => trouble(kind, &fleet.places(), dice)?,
    })
}

fn back_of(dice: &mut Dice) -> u8 {
    dice.one(0, &[0, 0, 0, 1, 1, 2])
}

fn branch(dice: &mut Dice) -> String {
    dice.one("main", &["main", "main", "release/1", "feature/x"]).to_owned()
}

fn change(dice: &mut Dice) -> Change {
    let often = [Change::Code, Change::Code, Change::Pipeline, Change::Pipeline];
    if dice.chance(18) {
        dice.one(Change::Nonsense, &[Change::Gone, Change::Branch, Change::SetBack, Change::SetBack])
    } else {
        dice.one(Change::Code, &often)
    }
}

fn data(kind: Kind, model: &Model, place: Where, dice: &mut Dice) -> What {
    let model = model.name.clone();
    match kind {
        Kind::Alarm => {
            let state =
                dice.one(Alarm::On, &[Alarm::On, Alarm::On, Alarm::Off, Alarm::Unknown, Alarm::Muted]);
            What::Alarm { model, place, state }
        }
        Kind::Report => {
            let found = dice.one(Found::Violations, &[Found::Violations, Found::Nothing, Found::Damaged]);
            What::Report { model, place, found }
        }
        Kind::Observed => {
            let others = [Saw::Drift, Saw::NoDrift, Saw::Insufficient, Saw::SourceFailed];
            What::Observed { model, place, saw: dice.one(Saw::Drift, &others) }
        }
        _ => What::Metrics { place, silent: dice.chance(60) },
    }
}

fn amendment(model: &Model, dice: &mut Dice) -> Option<Amendment> {
    let place = *dice.pick(&Where::ENVIRONMENTS)?;
    Some(match model.at(place) {
        Some(_) => Amendment::Soak { place, minutes: dice.one(None, &[Some(10), Some(60), Some(240)]) },
        None => Amendment::Add { environment: Environment::draw(place, place.index() - 1, dice) },
    })
}

fn trouble(kind: Kind, places: &[Where], dice: &mut Dice) -> Option<What> {
    let place = *dice.pick(places)?;
    let function = dice.pick(&place.functions())?.to_string();
    Some(match kind {
        Kind::Sweep => What::Sweep { place, function },
        Kind::Tick => What::Tick { place: *dice.pick(places.get(1..)?)? },
        Kind::Post => What::Post { about: topic(dice), does: post(dice) },
        Kind::Call => {
            let call = u8::try_from(dice.weighted(&[(6, 4), (3, 9), (1, 25)]).copied().unwrap_or(4)).ok()?;
            let call = u8::try_from(dice.below(u64::from(call) + 1)).ok()?;
            What::Call { place, function, call: Which::Number(call), goes: goes(dice) }
        }
        Kind::Storm => {
            What::Storm { place, seconds: dice.one(120, &[30, 600, 3_600]), passes: dice.one(3, &[2, 5]) }
        }
        Kind::Redrive => What::Redrive { place, function },
        _ => What::Replay { place, hours: dice.one(24, &[1, 100]) },
    })
}

fn topic(dice: &mut Dice) -> Topic {
    use Topic::{
        Alarm, Drift, Endpoint, Finished, Package, People, Push, Report, Request, Retraining, Schedule, Wake,
    };
    let others = [
        Package, Package, Endpoint, Endpoint, Alarm, Report, Drift, Retraining, Request, Request, Finished,
        Finished, Wake, Schedule, People, People,
    ];
    dice.one(Push, &others)
}

fn post(dice: &mut Dice) -> Post {
    let late = [(3, (5, 120)), (3, (120, 3_600)), (3, (3_600, 36_000)), (1, (86_400, 200_000))];
    let (least, most) = dice.weighted(&late).copied().unwrap_or((5, 120));
    let seconds = u32::try_from(dice.between(least, most)).unwrap_or(60);
    dice.one(
        Post::Lost,
        &[Post::Lost, Post::Late(seconds), Post::Late(seconds), Post::Again(seconds), Post::Times(3)],
    )
}

fn goes(dice: &mut Dice) -> Goes {
    let wait = Goes::Waits(dice.one(5, &[1, 20, 59]));
    let others = [
        Goes::DiesAfter,
        Goes::DiesBefore,
        Goes::DiesAfter,
        Goes::Fails,
        Goes::Throttled,
        Goes::Denied,
        Goes::AnswerLost,
        wait,
        wait,
    ];
    dice.one(Goes::DiesBefore, &others)
}
