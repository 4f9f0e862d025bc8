//! What each type of message does.

use super::decoder::Decoder;
use super::message::Message;
use crate::columns::content;
use crate::fault::{Fault, json_type};
use crate::number::integer;
use crate::plan::About;
use crate::scan::skip_space;
use crate::{Error, Event};

/// How much of an invalid line is kept.
const RAW: usize = 64 << 10;
/// How many unknown message types are told apart.
const TYPES: usize = 1_000;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A line and what was found in it.
pub(super) struct Line<'a> {
    /// The whole buffer.
    bytes: &'a [u8],
    /// The line without its end and without space around it.
    start: usize,
    end: usize,
    message: Message,
}

impl Line<'_> {
    fn text(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }
}

impl Decoder {
    /// Decodes any line by taking it apart first. Returns where the next line starts.
    pub(super) fn any_line(&mut self, bytes: &[u8], pos: usize, end: usize) -> Result<usize, Error> {
        let feed = self.line_end(bytes, pos, end)?;
        let mark = self.stats.lines == 1 && bytes[pos..feed].starts_with(BYTE_ORDER_MARK);
        let start = skip_space(bytes, if mark { pos + BYTE_ORDER_MARK.len() } else { pos });
        if start == feed {
            self.stats.blank += 1;
            return Ok(feed + 1);
        }
        let end = start + bytes[start..feed].trim_ascii_end().len();
        let mut line = Line { bytes, start, end, message: Message::default() };
        match line.message.read(bytes, start, &mut self.context.key) {
            Ok(()) => self.message(&line)?,
            Err(fault) => self.invalid(&line, &fault),
        }
        Ok(feed + 1)
    }

    /// A line that is not UTF-8.
    pub(super) fn undecodable_line(&mut self, bytes: &[u8], pos: usize, end: usize) -> Result<(), Error> {
        self.stats.lines += 1;
        let feed = self.line_end(bytes, pos, end)?;
        self.stats.bytes += (end - pos) as u64;
        let line = Line { bytes, start: pos, end: feed, message: Message::default() };
        self.invalid(&line, &Fault::value("invalid UTF-8"));
        Ok(())
    }

    fn message(&mut self, line: &Line) -> Result<(), Error> {
        let kind = line.message.kind.as_deref().unwrap_or_default().to_ascii_uppercase();
        let done = match kind.as_str() {
            "RECORD" => self.record_message(line),
            "SCHEMA" => self.schema_message(line),
            "STATE" => self.state_message(line),
            "ACTIVATE_VERSION" => self.activate_version_message(line),
            "BATCH" => self.batch_message(line),
            "" => Ok(Err(Fault::value("message without a type"))),
            _ => {
                self.unknown_message(line);
                Ok(Ok(()))
            }
        };
        if let Err(fault) = done? {
            self.invalid(line, &fault);
        }
        Ok(())
    }

    fn record_message(&mut self, line: &Line) -> Result<Result<(), Box<Fault>>, Error> {
        let (message, bytes) = (&line.message, line.bytes);
        let name = match stream_of(message) {
            Ok(name) => name,
            Err(fault) => return Ok(Err(fault)),
        };
        let Some(record) = message.record.clone() else {
            return Ok(Err(Fault::value("RECORD without a record")));
        };
        let planned = self.streams.index(name).filter(|&index| self.streams.get(index).records.is_some());
        let Some(index) = planned else {
            return Ok(Err(Fault::value("record before schema")));
        };
        self.streams.met(index);
        if bytes.get(record.start) != Some(&b'{') {
            let found = json_type(bytes.get(record.start).copied());
            return Ok(Err(Fault::value(format!("expected object, got {found}"))));
        }
        let Some(records) = &mut self.streams.get(index).records else {
            return Ok(Ok(()));
        };
        let members = record.start + 1;
        if let Err(fault) = records.read(bytes, members, &mut self.context) {
            return Ok(Err(fault));
        }
        let mut scratch = Vec::new();
        let time_extracted = message.time_extracted.as_ref().filter(|range| bytes[range.start] == b'"');
        let about = About {
            time_extracted: time_extracted
                .and_then(|range| content(bytes, range.start, &mut scratch).ok())
                .map(|(text, _)| text),
            version: message
                .version
                .as_ref()
                .and_then(|range| integer(bytes, range.start).ok())
                .map(|(value, _)| value),
            line: self.stats.lines,
            raw: &bytes[record.clone()],
        };
        if message.is_plain {
            self.streams.learn_route(&bytes[line.start..=record.start], index);
        }
        self.keep(index, &about)?;
        Ok(Ok(()))
    }

    /// A SCHEMA is news unless the stream is planned by the same line already.
    fn schema_message(&mut self, line: &Line) -> Result<Result<(), Box<Fault>>, Error> {
        let name = match stream_of(&line.message) {
            Ok(name) => name,
            Err(fault) => return Ok(Err(fault)),
        };
        if line.message.schema.as_ref().is_none_or(|range| line.bytes[range.start] != b'{') {
            return Ok(Err(Fault::value("SCHEMA without a schema")));
        }
        let index = self.streams.index_or_new(name);
        let stream = self.streams.get(index);
        if stream.records.is_some() && stream.schema == line.text() {
            return Ok(Ok(()));
        }
        stream.schema = line.text().to_vec();
        self.flush(index)?;
        self.streams.get(index).records = None;
        self.epoch.overtake();
        self.paused = true;
        let (stream, text) = (name.to_string(), line.text().to_vec());
        self.events.push_back(Event::Schema { line: self.stats.lines, stream, text });
        Ok(Ok(()))
    }

    fn state_message(&mut self, line: &Line) -> Result<Result<(), Box<Fault>>, Error> {
        let Some(value) = line.message.value.clone() else {
            return Ok(Err(Fault::value("STATE without a value")));
        };
        let value = String::from_utf8_lossy(&line.bytes[value]).into_owned();
        if self.epoch.is_due(&self.stats) {
            self.hand_over(self.stats.lines, value)?;
        } else {
            self.epoch.hold(self.stats.lines, value);
        }
        Ok(Ok(()))
    }

    fn activate_version_message(&mut self, line: &Line) -> Result<Result<(), Box<Fault>>, Error> {
        let stream = match stream_of(&line.message) {
            Ok(name) => name.to_string(),
            Err(fault) => return Ok(Err(fault)),
        };
        let version = line.message.version.as_ref().map(|range| integer(line.bytes, range.start));
        let Some(Ok((version, _))) = version else {
            return Ok(Err(Fault::value("ACTIVATE_VERSION without an integer version")));
        };
        self.before_message_of(&stream)?;
        self.events.push_back(Event::ActivateVersion { line: self.stats.lines, stream, version });
        Ok(Ok(()))
    }

    fn batch_message(&mut self, line: &Line) -> Result<Result<(), Box<Fault>>, Error> {
        let stream = match stream_of(&line.message) {
            Ok(name) => name.to_string(),
            Err(fault) => return Ok(Err(fault)),
        };
        self.before_message_of(&stream)?;
        self.events.push_back(Event::BatchFile { line: self.stats.lines, stream, text: line.text().to_vec() });
        Ok(Ok(()))
    }

    /// Hands over the records of the stream, so that the message that follows comes after them.
    fn before_message_of(&mut self, stream: &str) -> Result<(), Error> {
        self.epoch.overtake();
        self.streams.index(stream).map_or(Ok(()), |index| self.flush(index))
    }

    fn unknown_message(&mut self, line: &Line) {
        self.epoch.overtake();
        let subject = line.message.kind.clone().unwrap_or_default();
        if self.unknown_types.len() < TYPES && self.unknown_types.insert(subject.clone()) {
            let stream = line.message.stream.clone().unwrap_or_default();
            let code = "unknown-message-type";
            self.events.push_back(Event::Notice { line: self.stats.lines, stream, code, subject });
        }
    }

    #[cold]
    fn invalid(&mut self, line: &Line, fault: &Fault) {
        self.stats.invalid += 1;
        self.epoch.overtake();
        let text = line.text();
        let mut reason = fault.reason(line.start);
        if text.len() > RAW {
            reason.push_str(" (the line is kept up to 64 KiB)");
        }
        self.events.push_back(Event::Invalid {
            line: self.stats.lines,
            stream: line.message.stream.clone().unwrap_or_default(),
            path: fault.path(),
            reason,
            raw: text[..text.len().min(RAW)].to_vec(),
        });
    }
}

fn stream_of(message: &Message) -> Result<&str, Box<Fault>> {
    message.stream.as_deref().ok_or_else(|| Fault::value("message without a stream"))
}
