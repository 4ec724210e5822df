//! Asking by version 3: who is there, the question itself, and what to do about Reports.

use std::sync::Arc;

use tokio::time::Instant;

use super::exchange::{Cost, Course, Heard, Trouble};
use super::message::{Ask, Malformed, Response};
use super::usm::{self, Complaint, Opened, Question, Reason, RemoteEngine, Report, Rounds, Usm};

/// How often one question is put again because of a Report.
const MOST_REPORTS: usize = 2;
/// The whole PDU was refused by the device's access control.
const AUTHORIZATION_ERROR: u32 = 16;

/// What became of a question.
enum Outcome<T> {
    Answer(T),
    NoAccess,
    Report(Report),
}

impl Course<'_> {
    /// Puts one question as securely as the user demands.
    pub(super) async fn ask_securely<T>(
        &self,
        usm: &Usm,
        (ask, varbinds): (Ask, &[u8]),
        mut read: impl FnMut(&Response<'_>) -> Result<T, Malformed>,
        cost: &mut Cost,
    ) -> Result<T, Trouble> {
        let mut rounds = Rounds::default();
        let mut reports = 0;
        loop {
            let engine = match usm.engine() {
                Some(engine) => engine,
                None => self.discover(usm, cost).await?,
            };
            let put = self.put(usm, &engine, (ask, varbinds), &mut read, cost);
            let report = match put.await {
                Ok(Outcome::Answer(answer)) => return Ok(answer),
                Ok(Outcome::NoAccess) => return Err(complain(usm, &Complaint::NoAccess)),
                Ok(Outcome::Report(report)) => report,
                Err(Trouble::Silence { seconds, .. }) if self.is_doubtful(usm) => {
                    let complaint = self.why_silent(usm, &engine, seconds, cost).await;
                    return Err(complain(usm, &complaint));
                }
                Err(trouble) => return Err(trouble),
            };
            usm.heed(&engine, &report, &mut rounds, Instant::now())
                .map_err(|complaint| complain(usm, &complaint))?;
            reports += 1;
            if reports > MOST_REPORTS {
                let complaint = Complaint::Reported(report.reason());
                return Err(complain(usm, &complaint));
            }
        }
    }

    async fn discover(&self, usm: &Usm, cost: &mut Cost) -> Result<Arc<RemoteEngine>, Trouble> {
        let write = |id, out: &mut Vec<u8>| usm::write_discovery(id, out);
        let read = |datagram: &[u8]| match usm::read_discovery(datagram) {
            Ok(found) => Heard::Answer(found),
            Err(why) => Heard::Foreign(why),
        };
        let found = self.exchange(cost, write, read).await?;
        let adopted = tokio::time::timeout_at(self.deadline, usm.adopt(found, Instant::now()));
        match adopted.await {
            Ok(engine) => engine.map_err(Trouble::Failed),
            Err(_) => Err(Trouble::Deadline),
        }
    }

    async fn put<T>(
        &self,
        usm: &Usm,
        engine: &RemoteEngine,
        (ask, varbinds): (Ask, &[u8]),
        read: &mut impl FnMut(&Response<'_>) -> Result<T, Malformed>,
        cost: &mut Cost,
    ) -> Result<Outcome<T>, Trouble> {
        let context = usm.user().context.as_bytes();
        let write = |id, out: &mut Vec<u8>| {
            let question = Question {
                ask,
                id,
                varbinds,
                context,
            };
            usm.seal(engine, question, Instant::now(), out);
        };
        let heard = |datagram: &[u8]| {
            let mut room = Vec::new();
            match usm.open((engine, context), datagram, Instant::now(), &mut room) {
                Ok(Opened::Response(response)) => {
                    if response.error_status == AUTHORIZATION_ERROR && response.error_index == 0 {
                        return Heard::Answer(Outcome::NoAccess);
                    }
                    match read(&response) {
                        Ok(answer) => Heard::Answer(Outcome::Answer(answer)),
                        Err(why) => Heard::Malformed(why),
                    }
                }
                Ok(Opened::Report(report)) if report.is_signed() => {
                    Heard::Answer(Outcome::Report(report))
                }
                // Anybody may have sent it: what is signed has precedence while we wait.
                Ok(Opened::Report(report)) => Heard::Perhaps(Outcome::Report(report)),
                Err(why) => Heard::Foreign(why),
            }
        };
        self.exchange(cost, write, heard).await
    }

    /// Silence may mean that the device could not decrypt or does not know the context: many drop
    /// such requests.
    fn is_doubtful(&self, usm: &Usm) -> bool {
        let user = usm.user();
        let is_private = user.auth.as_ref().is_some_and(|a| a.privacy.is_some());
        (is_private || !user.context.is_empty()) && !usm.has_answered()
    }

    async fn why_silent(
        &self,
        usm: &Usm,
        engine: &RemoteEngine,
        seconds: u64,
        cost: &mut Cost,
    ) -> Complaint {
        if !usm.user().context.is_empty() && self.answers_elsewhere(usm, engine, cost).await {
            return Complaint::Reported(Reason::Context);
        }
        match self.accepts_signature(usm, engine, cost).await {
            true => Complaint::WrongPrivacy,
            false => Complaint::Unanswered(seconds),
        }
    }

    /// Whether the device answers in the default context.
    async fn answers_elsewhere(&self, usm: &Usm, engine: &RemoteEngine, cost: &mut Cost) -> bool {
        let write = |id, out: &mut Vec<u8>| {
            usm.seal(engine, nothing(id), Instant::now(), out);
        };
        let heard = |datagram: &[u8]| match usm.open(
            (engine, &[]),
            datagram,
            Instant::now(),
            &mut Vec::new(),
        ) {
            Ok(Opened::Response(_)) => Heard::Answer(()),
            Ok(_) => Heard::Foreign(Malformed("a report")),
            Err(why) => Heard::Foreign(why),
        };
        self.exchange(cost, write, heard).await.is_ok()
    }

    /// Whether signatures are right where encryption is met with silence: to a question out of time
    /// the device must say so before it decrypts.
    async fn accepts_signature(&self, usm: &Usm, engine: &RemoteEngine, cost: &mut Cost) -> bool {
        if usm.user().auth.is_none() {
            return false;
        }
        let write = |id, out: &mut Vec<u8>| {
            usm.seal_out_of_time(engine, nothing(id), Instant::now(), out);
        };
        let heard = |datagram: &[u8]| match usm.open(
            (engine, &[]),
            datagram,
            Instant::now(),
            &mut Vec::new(),
        ) {
            Ok(Opened::Report(report)) if report.is_signed() => Heard::Answer(()),
            Ok(_) => Heard::Foreign(Malformed("an answer from outside the time window")),
            Err(why) => Heard::Foreign(why),
        };
        self.exchange(cost, write, heard).await.is_ok()
    }
}

/// A question about no object at all, in the default context.
fn nothing(id: u32) -> Question<'static> {
    Question {
        ask: Ask::Get,
        id,
        varbinds: &[],
        context: &[],
    }
}

fn complain(usm: &Usm, complaint: &Complaint) -> Trouble {
    Trouble::Failed(complaint.failure(usm.user()))
}
