//! Dead letters: what they are, why they are there, and back to where they were going.

mod letter;

use serde_json::{Value, json};
use tidegate_aws::operate::{DeadLetters, Letter, Stack};

use crate::Failure;
use crate::ledgers::{Ledgers, Place};
use crate::print::{BAD, FAINT, GOOD, PLAIN, STRONG, WAITING, paint, say, time};

pub(crate) use letter::{QUEUE, queue_name};
use letter::{Read, Way};

/// Seconds for which a message that is looked at belongs to this command: longer than all of them take, and if the
/// command dies the messages are back after it.
const HELD: i32 = 600;

/// What is to be done.
pub(crate) struct Wanted {
    /// Only the dead letters of this function.
    pub(crate) function: Option<String>,
    /// Nothing is sent.
    pub(crate) list: bool,
}

/// Lists the dead letters of each stack and, unless that is all, sends them back. A message is removed when its event
/// was accepted, and not before.
pub(crate) async fn run(ledgers: &Ledgers, wanted: &Wanted, json: bool) -> Result<(), Failure> {
    let (mut found, mut left) = (0_usize, 0_usize);
    let places = ledgers.open().await?;
    let mut stacks = Vec::new();
    for place in &places {
        stacks.push((place, stack(place).await?));
    }
    for (place, queue) in queues(&stacks, wanted.function.as_deref())? {
        let letters = place.aws.dead_letters();
        let taken = letters.take_all(queue.url, HELD).await.map_err(|error| place.failed(error))?;
        for letter in &taken {
            let read = letter::read(letter, queue.stack);
            let outcome = match wanted.list {
                true => listed(&letters, queue.url, letter).await,
                false => send(place, &letters, queue.url, letter, &read.way).await,
            };
            found = found.saturating_add(1);
            left = left.saturating_add(usize::from(!outcome.is_good()));
            tell(place, &queue.name, letter, &read, &outcome, json);
        }
    }
    if found == 0 && !json {
        say(&paint(GOOD, "there are no dead letters"));
    }
    match left {
        0 => Ok(()),
        left => Err(Failure::Ledger(format!(
            "{left} of {found} dead letters could not be sent back and are still there"
        ))),
    }
}

async fn stack(place: &Place) -> Result<Stack, Failure> {
    let found = place.aws.stacks().stack(&place.stack).await.map_err(|error| place.failed(error))?;
    found.ok_or_else(|| place.failed(format!("there is no stack {}", place.stack)))
}

/// A queue of a stack.
struct Queue<'s> {
    stack: &'s Stack,
    /// The function that it belongs to, or `forward`.
    name: String,
    url: &'s str,
}

fn queues<'s>(
    stacks: &'s [(&'s Place, Stack)],
    function: Option<&str>,
) -> Result<Vec<(&'s Place, Queue<'s>)>, Failure> {
    let mut all = Vec::new();
    for (place, stack) in stacks {
        for resource in stack.of_kind(QUEUE) {
            let name = queue_name(&stack.name, &resource.physical);
            all.push((*place, Queue { stack, name, url: &resource.physical }));
        }
    }
    let Some(function) = function else { return Ok(all) };
    let mut names: Vec<String> = all.iter().map(|(_, queue)| queue.name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    all.retain(|(_, queue)| queue.name == function);
    if all.is_empty() {
        let names = names.join(", ");
        return Err(Failure::Input(format!(
            "there is no dead-letter queue of `{function}`; there are those of {names}"
        )));
    }
    Ok(all)
}

/// What became of a dead letter.
enum Outcome {
    Listed,
    Sent,
    /// Its event was accepted, but the message could not be removed: it will be sent again, and be a duplicate.
    SentAndStays(String),
    Kept(String),
}

impl Outcome {
    fn is_good(&self) -> bool {
        matches!(self, Self::Listed | Self::Sent)
    }
}

async fn listed(letters: &DeadLetters, queue: &str, letter: &Letter) -> Outcome {
    match letters.put_back(queue, letter).await {
        Ok(()) => Outcome::Listed,
        Err(error) => Outcome::Kept(format!("it comes back only after {HELD} seconds: {error}")),
    }
}

async fn send(place: &Place, letters: &DeadLetters, queue: &str, letter: &Letter, way: &Way) -> Outcome {
    let sent = match way {
        Way::Invoke { function, event } => place.aws.functions().hand_over(function, event).await,
        Way::Put { bus, event } => place.aws.rules().put_again(bus, event).await,
        Way::None { why } => return keep(letters, queue, letter, why.clone()).await,
    };
    match sent {
        Err(error) => keep(letters, queue, letter, error.to_string()).await,
        Ok(()) => match letters.remove(queue, letter).await {
            Ok(()) => Outcome::Sent,
            Err(error) => Outcome::SentAndStays(error.to_string()),
        },
    }
}

async fn keep(letters: &DeadLetters, queue: &str, letter: &Letter, why: String) -> Outcome {
    // If it cannot be put back now, it comes back by itself.
    match letters.put_back(queue, letter).await {
        Ok(()) => Outcome::Kept(why),
        Err(error) => Outcome::Kept(format!("{why}; and: {error}")),
    }
}

fn tell(place: &Place, queue: &str, letter: &Letter, read: &Read, outcome: &Outcome, json: bool) {
    let (style, word, problem) = match outcome {
        Outcome::Listed => (PLAIN, "listed", None),
        Outcome::Sent => (GOOD, "sent", None),
        Outcome::SentAndStays(why) => (WAITING, "sent_and_stays", Some(why)),
        Outcome::Kept(why) => (BAD, "kept", Some(why)),
    };
    if json {
        say(&as_json(place, queue, letter, read, (word, problem)).to_string());
        return;
    }
    let sent_at = letter.sent_at.map_or_else(|| "some time ago".to_owned(), time);
    say(&format!(
        "{} {}  {sent_at}  {}",
        paint(STRONG, &format!("{} {queue}", place.name)),
        paint(style, &word.replace('_', " ")),
        read.event.in_words(),
    ));
    let attempts = read.attempts.map(|attempts| format!(" after {attempts} attempts")).unwrap_or_default();
    say(&format!("    {}{attempts}: {}", read.failed, read.error));
    if let Some(problem) = problem {
        say(&format!("    {}", paint(style, problem)));
    }
    say(&paint(FAINT, &format!("    {}", read.way.in_words())));
}

fn as_json(
    place: &Place,
    queue: &str,
    letter: &Letter,
    read: &Read,
    (outcome, problem): (&str, Option<&String>),
) -> Value {
    json!({
        "ledger": place.name, "queue": queue, "message": letter.id, "sent_at": letter.sent_at,
        "event": { "id": read.event.id, "source": read.event.source, "detail_type": read.event.detail_type },
        "failed": read.failed, "error": read.error, "attempts": read.attempts, "way": read.way.in_words(),
        "outcome": outcome, "problem": problem,
    })
}
