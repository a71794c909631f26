//! What only goes wrong together.

use crate::fleet::Model;
use crate::place::Where;
use crate::random::Dice;
use crate::step::{Alarm, Approval, Change, Goes, Post, Saw, Topic, What, Which};

/// One invocation is slow somewhere between its claim and its record, and another wants to decide about the same model.
pub(super) fn race(model: &Model, dice: &mut Dice) -> Vec<(u64, What)> {
    let name = || model.name.clone();
    let Some(place) = dice.pick(&model.environments).map(|environment| environment.place) else {
        return Vec::new();
    };
    let approved = |back| What::Say { model: name(), back, approval: Approval::Approved };
    let rejected = |back| What::Say { model: name(), back, approval: Approval::Rejected };
    let pushed =
        |branch: &str| What::Push { model: name(), branch: branch.to_owned(), change: Change::Pipeline };
    let observed = || What::Observed { model: name(), place, saw: Saw::Drift };
    let sweep = |function: &str, place| What::Sweep { place, function: function.to_owned() };
    let (function, at, first, second) = match dice.below(6) {
        0 => ("promote", Where::Hub, approved(0), approved(1)),
        1 => ("promote", Where::Hub, approved(0), rejected(0)),
        2 => ("train", Where::Hub, pushed("main"), pushed("release/1")),
        3 => ("respond", place, observed(), What::Alarm { model: name(), place, state: Alarm::On }),
        4 => ("deploy", place, sweep("deploy", place), sweep("deploy", place)),
        _ => ("scale", place, What::Tick { place }, sweep("scale", place)),
    };
    let call = u8::try_from(dice.between(2, 9)).unwrap_or(4);
    let goes = Goes::Waits(dice.one(5, &[2, 20]));
    let slow = What::Call { place: at, function: function.to_owned(), call: Which::Number(call), goes };
    vec![(0, slow), (0, first), (dice.below(2), second)]
}

/// A person approves, and takes it back while the deployment is on its way.
pub(super) fn withdrawal(model: &Model, dice: &mut Dice) -> Vec<(u64, What)> {
    let name = || model.name.clone();
    let Some(place) = dice.pick(&model.environments).map(|environment| environment.place) else {
        return Vec::new();
    };
    let call = u8::try_from(dice.between(3, 14)).unwrap_or(8);
    let goes = dice.one(Goes::Waits(20), &[Goes::Waits(50), Goes::DiesBefore, Goes::DiesAfter, Goes::Fails]);
    let slow = What::Call { place, function: "deploy".to_owned(), call: Which::Number(call), goes };
    let about = dice.one(Topic::Request, &[Topic::Package]);
    let late = What::Post { about, does: Post::Late(dice.one(30, &[5, 300])) };
    let approval = dice.one(Approval::Rejected, &[Approval::Rejected, Approval::Pending]);
    vec![
        (0, What::Register { model: name() }),
        (5, if dice.chance(75) { slow } else { late }),
        (0, What::Say { model: name(), back: 0, approval: Approval::Approved }),
        (dice.between(1, 12), What::Say { model: name(), back: 0, approval }),
    ]
}

/// Drift is seen, and a person says stop before anything came of it.
pub(super) fn holding_back(model: &Model, dice: &mut Dice) -> Vec<(u64, What)> {
    let name = || model.name.clone();
    let Some(place) = dice.pick(&model.environments).map(|environment| environment.place) else {
        return Vec::new();
    };
    let drift = What::Observed { model: name(), place, saw: Saw::Drift };
    let late = What::Post { about: Topic::Retraining, does: Post::Late(dice.one(5, &[1, 60, 3_600])) };
    let hold = What::Hold { model: name(), place: dice.chance(60).then_some(place) };
    vec![(0, late), (0, drift), (dice.below(3), hold)]
}

/// AWS does not tell of a change, the sweep finds it, and something goes wrong with the sweep.
pub(super) fn healing(model: &Model, dice: &mut Dice) -> Vec<(u64, What)> {
    let name = || model.name.clone();
    let push = || What::Push { model: name(), branch: "main".to_owned(), change: Change::Pipeline };
    let call = u8::try_from(dice.between(2, 16)).unwrap_or(8);
    let goes = dice.one(Goes::DiesBefore, &[Goes::DiesAfter, Goes::Fails, Goes::AnswerLost, Goes::Waits(59)]);
    let (function, about, first, lost) = if dice.chance(50) {
        ("train", Topic::Push, push(), push())
    } else {
        let approved = What::Say { model: name(), back: 0, approval: Approval::Approved };
        ("promote", Topic::Package, What::Register { model: name() }, approved)
    };
    vec![
        (0, first),
        (dice.between(5, 600), What::Post { about, does: Post::Lost }),
        (0, lost),
        (1, What::Call { place: Where::Hub, function: function.to_owned(), call: Which::Number(call), goes }),
        (0, What::Sweep { place: Where::Hub, function: function.to_owned() }),
    ]
}
