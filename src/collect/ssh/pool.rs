//! The worker threads, their queue and the sessions that are kept warm between polls.
//!
//! libssh2 blocks, so it lives on threads of its own: a thread is busy only while a poll is under
//! way, not while a session is idle.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::answer;
use super::backoff::Backoff;
use super::cadence::Cadence;
use super::exec::{self, NoOutput};
use super::failure::Stage;
use super::host_keys::{HostKeys, Verdict};
use super::session::{self, NoSession, Remote, Request, internal};
use super::through::Means;
use super::tunnel::Tunnels;
use super::watchdog::Watchdog;
use crate::collect::Attempt;
use crate::reading::{Cause, Effort, Failure};

/// Polls under way at once.
const WORKERS_MAX: usize = 64;
const STACK_BYTES: usize = 512 * 1024;
/// Of these, polls of hosts whose last poll ran out of time: hosts that hang, and there may be many
/// at once, must not take the workers of those that answer.
const SLOW_MAX: usize = WORKERS_MAX / 2;
/// Polls that wait for a worker.
const QUEUE_MAX: usize = 1024;
/// A worker without work ends after this time.
const WORKER_IDLE: Duration = Duration::from_secs(30);
/// Sessions kept open between polls; about 100 KiB each.
const WARM_MAX: usize = 4000;
/// A session is renewed after this time.
const SESSION_AGE_MAX: Duration = Duration::from_secs(6 * 3600);
/// A host polled more rarely than this gets a session for each poll.
const WARM_INTERVAL_MAX: Duration = Duration::from_secs(300);

/// One poll to be done.
pub(super) struct Job {
    /// Who it is for: sessions, refusals and the rule "once at a time" go by this.
    pub(super) key: String,
    pub(super) request: Request,
    /// Made already, unless a warm session is there to be used.
    pub(super) connection: Option<TcpStream>,
    pub(super) reply: oneshot::Sender<Attempt>,
}

/// What the workers share.
pub(super) struct Workers {
    queue: Mutex<Queue>,
    wake: Condvar,
    warm: Mutex<HashMap<String, Remote>>,
    pub(super) backoff: Backoff,
    pub(super) cadence: Cadence,
    host_keys: HostKeys,
    tunnels: Tunnels,
    /// Made at the first poll; an error then is that poll's failure, not the program's.
    watchdog: Mutex<Option<Arc<Watchdog>>>,
    closed: AtomicBool,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Those of `slow`.
    slow_jobs: VecDeque<Job>,
    slow_running: usize,
    /// Whose last poll ran out of time.
    slow: HashSet<String>,
    threads: usize,
    idle: usize,
    running: HashSet<String>,
}

impl Queue {
    fn holds(&self, key: &str) -> bool {
        let waiting = self.jobs.iter().chain(&self.slow_jobs);
        self.running.contains(key) || waiting.map(|j| &j.key).any(|k| k == key)
    }

    fn put(&mut self, job: Job) {
        match self.slow.contains(&job.key) {
            true => self.slow_jobs.push_back(job),
            false => self.jobs.push_back(job),
        }
    }

    /// How many jobs a worker could take now.
    fn ready(&self) -> usize {
        let slow = SLOW_MAX.saturating_sub(self.slow_running);
        self.jobs.len() + self.slow_jobs.len().min(slow)
    }

    /// The next job, and whether it is a slow one.
    fn take(&mut self) -> Option<(Job, bool)> {
        let (job, slow) = match self.jobs.pop_front() {
            Some(job) => (job, false),
            None if self.slow_running < SLOW_MAX => (self.slow_jobs.pop_front()?, true),
            None => return None,
        };
        self.running.insert(job.key.clone());
        self.slow_running += usize::from(slow);
        Some((job, slow))
    }

    fn done(&mut self, key: &str, slow: bool, attempt: Option<&Attempt>) {
        self.running.remove(key);
        self.slow_running -= usize::from(slow);
        match attempt {
            Some((_, Err(failure))) if failure.cause == Cause::Timeout => {
                self.slow.insert(key.to_owned());
            }
            Some(_) => {
                self.slow.remove(key);
            }
            None => {}
        }
    }
}

impl Workers {
    pub(super) fn new(state: &Path) -> Workers {
        Workers {
            queue: Mutex::default(),
            wake: Condvar::new(),
            warm: Mutex::default(),
            backoff: Backoff::default(),
            cadence: Cadence::default(),
            host_keys: HostKeys::at(state),
            tunnels: Tunnels::default(),
            watchdog: Mutex::new(None),
            closed: AtomicBool::new(false),
        }
    }

    /// Queues a job and sees to it that a thread takes it. Never waits.
    pub(super) fn submit(self: &Arc<Self>, job: Job) -> Result<(), Failure> {
        let mut queue = lock(&self.queue);
        if queue.holds(&job.key) {
            return Err(Failure::new(
                Cause::Limit,
                "the former poll of this host has not ended yet",
            ));
        }
        if queue.jobs.len() + queue.slow_jobs.len() >= QUEUE_MAX {
            return Err(Failure::new(
                Cause::Limit,
                format!(
                    "all {WORKERS_MAX} SSH workers are busy and {QUEUE_MAX} polls wait already"
                ),
            ));
        }
        queue.put(job);
        if queue.ready() > queue.idle && queue.threads < WORKERS_MAX {
            queue.threads += 1;
            let workers = self.clone();
            let spawned = std::thread::Builder::new()
                .name("ssh-worker".into())
                .stack_size(STACK_BYTES)
                .spawn(move || workers.work());
            if let Err(error) = spawned {
                queue.threads -= 1;
                if queue.threads == 0 {
                    queue.jobs.clear();
                    queue.slow_jobs.clear();
                    return Err(internal(&format!("no thread for SSH: {error}")));
                }
            }
        }
        drop(queue);
        self.wake.notify_one();
        Ok(())
    }

    /// Whether a session waits for this key. It may turn out dead.
    pub(super) fn is_warm(&self, key: &str) -> bool {
        lock(&self.warm).contains_key(key)
    }

    /// Ends the threads as soon as they are idle, and closes the sessions.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake.notify_all();
        lock(&self.warm).clear();
    }

    /// Closes sessions and forgets refusals of keys that are not wanted any more.
    pub(super) fn keep_only(&self, wanted: impl Fn(&str) -> bool) {
        lock(&self.warm).retain(|key, _| wanted(key));
        lock(&self.queue).slow.retain(|key| wanted(key));
        self.cadence.keep_only(&wanted);
        self.backoff.keep_only(wanted);
    }

    fn work(&self) {
        let mut queue = lock(&self.queue);
        loop {
            if let Some((job, slow)) = queue.take() {
                drop(queue);
                let Job {
                    key,
                    request,
                    connection,
                    reply,
                } = job;
                // When nobody waits any more, the deadline passed while the job was queued.
                let attempt = (!reply.is_closed()).then(|| self.run(&key, &request, connection));
                queue = lock(&self.queue);
                // First free, then answered: the next poll may come at once.
                queue.done(&key, slow, attempt.as_ref());
                if let Some(attempt) = attempt {
                    let _ = reply.send(attempt);
                }
                continue;
            }
            if self.closed.load(Ordering::Acquire) {
                break;
            }
            queue.idle += 1;
            let (woken, timed_out) = self
                .wake
                .wait_timeout(queue, WORKER_IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            queue = woken;
            queue.idle -= 1;
            if timed_out.timed_out() && queue.ready() == 0 {
                break;
            }
        }
        queue.threads -= 1;
        drop(queue);
        self.reap(Instant::now());
    }

    fn run(&self, key: &str, request: &Request, connection: Option<TcpStream>) -> Attempt {
        let mut effort = Effort {
            requests: 1,
            ..Effort::default()
        };
        let outcome = match request.left().is_zero() {
            true => {
                request.enter(Stage::Waiting);
                Err(request.too_late())
            }
            // libssh2's wrapper panics on some nonsense from servers; it must cost this poll alone.
            false => catch_unwind(AssertUnwindSafe(|| {
                self.poll(key, request, connection, &mut effort)
            }))
            .unwrap_or_else(|_| {
                Err(Failure::new(
                    Cause::Protocol,
                    "the server's answer broke the SSH library",
                ))
            }),
        };
        self.reap(Instant::now());
        (effort, outcome)
    }

    fn poll(
        &self,
        key: &str,
        request: &Request,
        connection: Option<TcpStream>,
        effort: &mut Effort,
    ) -> Result<crate::reading::Readings, Failure> {
        let watchdog = self.watchdog()?;
        let due = self.cadence.due(key, request.interval, Instant::now());
        let answered = |readings: &Result<_, _>| {
            if readings.is_ok() {
                self.cadence.answered(key, &due, Instant::now());
            }
        };
        if let Some(remote) = self.take_warm(key, request) {
            match exec::probe(&remote, request, &due, &watchdog, true) {
                Ok(output) => {
                    effort.bytes += output.bytes();
                    let readings = answer::read(&output);
                    answered(&readings);
                    self.keep(key, request, remote, output.reusable);
                    return readings;
                }
                Err(NoOutput::Failed(failure)) => return Err(failure),
                Err(NoOutput::Dead(_)) => effort.retries += 1,
            }
        }
        let means = Means {
            host_keys: &self.host_keys,
            watchdog: &watchdog,
            tunnels: &self.tunnels,
        };
        let mut remote = match session::open(request, connection, &means) {
            Ok(remote) => remote,
            Err(NoSession::Failed(failure)) => return Err(failure),
            Err(NoSession::Refused(message)) => {
                return Err(self.backoff.refuse(key, Instant::now(), message));
            }
        };
        self.backoff.accept(key);
        let output = match exec::probe(&remote, request, &due, &watchdog, false) {
            Ok(output) => output,
            Err(NoOutput::Failed(failure) | NoOutput::Dead(failure)) => return Err(failure),
        };
        effort.bytes += output.bytes();
        let mut readings = answer::read(&output);
        answered(&readings);
        if std::mem::take(&mut remote.newly_trusted)
            && let Ok(readings) = &mut readings
        {
            readings.events.push(answer::trusted_event(&remote.key));
        }
        self.keep(key, request, remote, output.reusable);
        readings
    }

    /// A session that is young enough and whose key is still trusted.
    fn take_warm(&self, key: &str, request: &Request) -> Option<Remote> {
        let remote = lock(&self.warm).remove(key)?;
        let now = Instant::now();
        let young = now < remote.idle_until && now.duration_since(remote.opened) < SESSION_AGE_MAX;
        let names = request.names();
        let verdict = self
            .host_keys
            .check(&names, request.access.port, &remote.key);
        (young && matches!(verdict, Ok(Verdict::Trusted))).then_some(remote)
    }

    fn keep(&self, key: &str, request: &Request, mut remote: Remote, reusable: bool) {
        if !reusable || request.interval > WARM_INTERVAL_MAX || self.closed.load(Ordering::Acquire)
        {
            return;
        }
        remote.idle_until = Instant::now() + request.interval.saturating_mul(3);
        let mut warm = lock(&self.warm);
        if warm.len() < WARM_MAX {
            warm.insert(key.to_owned(), remote);
        }
    }

    /// Closes sessions that nobody has used for too long.
    fn reap(&self, now: Instant) {
        let mut warm = lock(&self.warm);
        let old: Vec<String> = warm
            .iter()
            .filter(|(_, remote)| remote.idle_until <= now)
            .map(|(key, _)| key.clone())
            .collect();
        let gone: Vec<Option<Remote>> = old.iter().map(|key| warm.remove(key)).collect();
        drop(warm);
        drop(gone);
    }

    fn watchdog(&self) -> Result<Arc<Watchdog>, Failure> {
        let mut watchdog = lock(&self.watchdog);
        if let Some(watchdog) = &*watchdog {
            return Ok(watchdog.clone());
        }
        let started = Watchdog::start().map_err(|e| internal(&format!("no watchdog: {e}")))?;
        Ok(watchdog.insert(Arc::new(started)).clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
