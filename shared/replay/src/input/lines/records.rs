//! Lines and records of CloudWatch Logs.

use super::{BYTE_ORDER_MARK, CHUNK, Lines};
use crate::input::InputError;
use crate::input::cloudwatch_logs::{self, Csv};
use crate::input::fast_path::fast_parse;
use crate::input::item::{Item, items};

impl Lines {
    /// Whether the first line is the header of a CSV of CloudWatch Logs Insights; the columns are then known.
    pub(super) fn is_header(&mut self) -> Result<bool, InputError> {
        let line = self.text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.text);
        let Some(header) = std::str::from_utf8(line).ok().and_then(Csv::of_header) else { return Ok(false) };
        match header {
            Ok(csv) => self.csv = Some(csv),
            Err(error) => {
                let error = self.bad(&error, 0);
                self.at = self.text.len();
                return Err(error);
            }
        }
        Ok(true)
    }

    /// Reads a record of a CSV: one line, or several if a field contains line ends.
    pub(super) fn read_record(&mut self, found: &mut Vec<Item>) -> Result<bool, InputError> {
        while !cloudwatch_logs::is_complete(self.rest()) && self.text.len() <= CHUNK {
            let end = self.text.len();
            // The next record begins, so this one is cut off.
            if !self.append_line()?
                || cloudwatch_logs::begins_record(self.text.get(end..).unwrap_or_default())
            {
                let next = self.text.split_off(end);
                let error = self.event_of_record().err().unwrap_or_default();
                let error = self.bad(&error, 0);
                (self.text, self.at, self.line) = (next, 0, self.read);
                return Err(error);
            }
        }
        let event = self.event_of_record();
        let result = match event {
            Ok(event) => match fast_parse(event.as_bytes()) {
                Some(item) => {
                    found.push(item);
                    Ok(true)
                }
                None => serde_json::from_str(&event)
                    .map_err(|error| cloudwatch_logs::not_json(&error))
                    .and_then(|value| items(value, found).map_err(|error| error.to_string()))
                    .map(|()| true),
            },
            Err(error) => Err(error),
        };
        let result = result.map_err(|error| self.bad(&error, 0));
        self.at = self.text.len();
        result
    }

    fn event_of_record(&self) -> Result<String, String> {
        let record = std::str::from_utf8(self.rest()).map_err(|error| error.to_string())?;
        self.csv.map_or_else(|| Ok(record.to_owned()), |csv| csv.event_of(record))
    }

    /// Skips the time with which each line of an export of CloudWatch Logs begins.
    pub(super) fn skip_prefix(&mut self) -> Result<(), InputError> {
        if self.csv.is_some() {
            return Ok(());
        }
        self.at += cloudwatch_logs::prefix_of_line(self.rest());
        if cloudwatch_logs::begins_with_time(self.rest()) {
            let error = self.bad(cloudwatch_logs::NO_EVENT, 0);
            self.at = self.text.len();
            return Err(error);
        }
        Ok(())
    }
}
