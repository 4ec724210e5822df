//! From a request to the reply of one device.

use super::invented::Moment;
use super::object::{Object, Objects, TICKS, Value};
use super::recording::push_unsigned;
use crate::collect::snmp::codec::{self, Question, Request};

pub(super) const TOO_BIG: u32 = 1;
const NO_SUCH_NAME: u32 = 2;
const NO_SUCH_OBJECT: u8 = 0x80;
const END_OF_VIEW: u8 = 0x82;
const COUNTER64: u8 = super::object::COUNTER64;
/// Header, version, id, status and index of a reply take at most this much beside the community.
const ENVELOPE: usize = 40;
/// No device bears more names in one request.
const MOST_NAMES: usize = 1_000;

/// Buffers that are used again for every reply.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    arcs: Vec<u32>,
    value: Vec<u8>,
    pub(super) varbinds: Vec<u8>,
}

/// One device at the moment of a request.
pub(super) struct Agent<'a> {
    pub(super) objects: &'a Objects,
    pub(super) moment: Moment<'a>,
    /// No reply is longer than this many octets.
    pub(super) limit: usize,
}

/// The reply would be longer than the device bears.
struct Oversize;

impl Agent<'_> {
    /// Leaves the varbinds of the reply in the scratch, and returns its status and index; `None` when
    /// the device would be silent.
    pub(super) fn answer(
        &self,
        request: &Request<'_>,
        scratch: &mut Scratch,
    ) -> Option<(u32, u32)> {
        if request.names.len() > MOST_NAMES {
            return None;
        }
        scratch.varbinds.clear();
        let done = match request.question {
            Question::Get => self.get(request, scratch),
            Question::GetNext => self.get_next(request, scratch),
            Question::GetBulk {
                non_repeaters,
                max_repetitions,
            } => self.get_bulk(request, non_repeaters, max_repetitions, scratch),
        };
        let error = match done {
            Ok(0) => return Some((0, 0)),
            Ok(place) => (NO_SUCH_NAME, place),
            Err(Oversize) => (TOO_BIG, 0),
        };
        // Version 1 sends the question back; later ones send nothing with "too big".
        scratch.varbinds.clear();
        if error.0 != TOO_BIG || request.version == 0 {
            scratch.varbinds.extend_from_slice(request.varbinds);
        }
        Some(error)
    }

    fn room(&self, request: &Request<'_>) -> usize {
        self.limit
            .saturating_sub(ENVELOPE + request.community.len())
    }

    /// Returns the place of the name that version 1 does not find, else 0.
    fn get(&self, request: &Request<'_>, scratch: &mut Scratch) -> Result<u32, Oversize> {
        for (place, name) in (1..).zip(&request.names) {
            let found = codec::read_name(name, &mut scratch.arcs)
                .then(|| self.objects.find(&scratch.arcs))
                .flatten();
            let found = found.and_then(|place| self.objects.at(place));
            match found.filter(|o| self.shows(o, request)) {
                Some(object) => self.push(object, scratch),
                None if request.version == 0 => return Ok(place),
                None => codec::push_varbind(name, NO_SUCH_OBJECT, &[], &mut scratch.varbinds),
            }
            self.fits(request, scratch)?;
        }
        Ok(0)
    }

    fn get_next(&self, request: &Request<'_>, scratch: &mut Scratch) -> Result<u32, Oversize> {
        for (place, name) in (1..).zip(&request.names) {
            match self.behind(name, request, &mut scratch.arcs) {
                Some((_, object)) => self.push(object, scratch),
                None if request.version == 0 => return Ok(place),
                None => codec::push_varbind(name, END_OF_VIEW, &[], &mut scratch.varbinds),
            }
            self.fits(request, scratch)?;
        }
        Ok(0)
    }

    /// As many rounds as fit (RFC 3416, 4.2.3).
    fn get_bulk(
        &self,
        request: &Request<'_>,
        non_repeaters: u32,
        max_repetitions: u32,
        scratch: &mut Scratch,
    ) -> Result<u32, Oversize> {
        let once = (non_repeaters as usize).min(request.names.len());
        for name in &request.names[..once] {
            match self.behind(name, request, &mut scratch.arcs) {
                Some((_, object)) => self.push(object, scratch),
                None => codec::push_varbind(name, END_OF_VIEW, &[], &mut scratch.varbinds),
            }
            self.fits(request, scratch)?;
        }
        let mut cursors: Vec<Result<usize, &[u8]>> = Vec::new();
        for name in &request.names[once..] {
            let found = self.behind(name, request, &mut scratch.arcs);
            cursors.push(found.map(|(place, _)| place).ok_or(*name));
        }
        for _ in 0..max_repetitions {
            let mut ended = true;
            for cursor in &mut cursors {
                let before = scratch.varbinds.len();
                ended &= self.step(cursor, scratch);
                if self.fits(request, scratch).is_err() {
                    scratch.varbinds.truncate(before);
                    return if before == 0 { Err(Oversize) } else { Ok(0) };
                }
            }
            if ended {
                break;
            }
        }
        Ok(0)
    }

    /// Pushes what the cursor stands at and moves it on; `true` when that is the end.
    fn step(&self, cursor: &mut Result<usize, &[u8]>, scratch: &mut Scratch) -> bool {
        let object = cursor.ok().and_then(|place| self.objects.at(place));
        match (*cursor, object) {
            (Ok(place), Some(object)) => {
                self.push(object, scratch);
                *cursor = Ok(place + 1);
            }
            // Past the end: under the name of the last object, as often as asked.
            (Ok(place), None) => {
                let last = place.checked_sub(1).and_then(|p| self.objects.at(p));
                let name = last.map_or(&[][..], |o| &o.name);
                codec::push_varbind(name, END_OF_VIEW, &[], &mut scratch.varbinds);
            }
            (Err(name), _) => codec::push_varbind(name, END_OF_VIEW, &[], &mut scratch.varbinds),
        }
        object.is_none()
    }

    fn behind(
        &self,
        name: &[u8],
        request: &Request<'_>,
        arcs: &mut Vec<u32>,
    ) -> Option<(usize, &Object)> {
        if !codec::read_name(name, arcs) {
            return None;
        }
        let places = self.objects.behind(arcs)..self.objects.len();
        places
            .filter_map(|place| Some((place, self.objects.at(place)?)))
            .find(|(_, object)| self.shows(object, request))
    }

    /// Version 1 has no 64-bit counters.
    fn shows(&self, object: &Object, request: &Request<'_>) -> bool {
        let wide = match &object.value {
            Value::Recorded(tag, _) => *tag == COUNTER64,
            Value::RecordedClock(_) => false,
            Value::Invented(source) => source.is_wide(),
        };
        request.version > 0 || !wide
    }

    fn push(&self, object: &Object, scratch: &mut Scratch) {
        scratch.value.clear();
        let tag = match &object.value {
            Value::Recorded(tag, content) => {
                return codec::push_varbind(&object.name, *tag, content, &mut scratch.varbinds);
            }
            Value::RecordedClock(ticks) => {
                let ticks = (u64::from(*ticks) + self.moment.elapsed_ms / 10) % (1 << 32);
                push_unsigned(ticks, &mut scratch.value);
                TICKS
            }
            Value::Invented(source) => self.moment.push(*source, &mut scratch.value),
        };
        codec::push_varbind(&object.name, tag, &scratch.value, &mut scratch.varbinds);
    }

    fn fits(&self, request: &Request<'_>, scratch: &Scratch) -> Result<(), Oversize> {
        if scratch.varbinds.len() <= self.room(request) {
            Ok(())
        } else {
            Err(Oversize)
        }
    }
}

#[cfg(test)]
mod tests;
