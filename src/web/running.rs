//! SQL of people under way: how far each question is, and how it is cancelled.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

/// Questions that are known by name at once.
const MAX: usize = 256;
/// Letters of a name.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=64;

#[derive(Default)]
pub(super) struct Running {
    known: Arc<Mutex<Known>>,
}

type Known = HashMap<String, Arc<State>>;

/// How far one question is.
pub(super) struct State {
    /// Who asked; nobody else sees or cancels it.
    user: Option<String>,
    pub(super) begun: Instant,
    pub(super) rows: AtomicU64,
    cancelled: Notify,
}

impl State {
    /// Waits until somebody cancels the question.
    pub(super) async fn cancelled(&self) {
        self.cancelled.notified().await;
    }

    pub(super) fn set_rows(&self, rows: u64) {
        self.rows.store(rows, Ordering::Relaxed);
    }
}

/// One question under way; unknown again when dropped.
pub(super) struct Ticket {
    known: Arc<Mutex<Known>>,
    id: Option<String>,
    pub(super) state: Arc<State>,
}

impl Running {
    /// Takes a question in. A name is taken by one at a time. `Err`: a sentence.
    pub(super) fn begin(&self, id: Option<&str>, user: Option<&str>) -> Result<Ticket, String> {
        let state = Arc::new(State {
            user: user.map(str::to_owned),
            begun: Instant::now(),
            rows: AtomicU64::new(0),
            cancelled: Notify::new(),
        });
        if let Some(id) = id {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if !LENGTH.contains(&id.len()) || !id.chars().all(plain) {
                return Err("`id` has 8 to 64 letters, digits, - or _".into());
            }
            let mut known = lock(&self.known);
            if known.len() >= MAX {
                return Err("too many questions are under way".into());
            }
            if known.contains_key(id) {
                return Err(format!(
                    "a question with the id `{id}` is under way already"
                ));
            }
            known.insert(id.to_owned(), Arc::clone(&state));
        }
        Ok(Ticket {
            known: Arc::clone(&self.known),
            id: id.map(str::to_owned),
            state,
        })
    }

    /// The question of that name, when it is this user's.
    pub(super) fn of(&self, id: &str, user: Option<&str>) -> Option<Arc<State>> {
        let known = lock(&self.known);
        let state = known.get(id)?;
        (state.user.as_deref() == user).then(|| Arc::clone(state))
    }

    /// Has it end; whether there is one.
    pub(super) fn cancel(&self, id: &str, user: Option<&str>) -> bool {
        let state = self.of(id, user);
        if let Some(state) = &state {
            // Also before it waits for this.
            state.cancelled.notify_one();
        }
        state.is_some()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(id) = &self.id {
            lock(&self.known).remove(id);
        }
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_question_is_its_users_and_forgotten_at_its_end() {
        let running = Running::default();
        let ticket = running.begin(Some("question-1"), Some("ann")).unwrap();
        assert!(running.begin(Some("question-1"), None).is_err());
        assert!(running.begin(Some("no"), None).is_err());
        assert!(running.begin(Some("../../../etc"), None).is_err());
        assert!(running.of("question-1", Some("bob")).is_none());
        assert!(!running.cancel("question-1", None));
        assert!(running.cancel("question-1", Some("ann")));
        ticket.state.cancelled().await;
        drop(ticket);
        assert!(running.of("question-1", Some("ann")).is_none());
    }
}
