//! Rows of comma-separated text (RFC 4180), whose separator may be another, as characters arrive.

/// Longest cell, bytes.
pub const MAX_CELL: usize = 4 * 1024;
/// Most cells of a row.
pub const MAX_CELLS: usize = 200;
/// Separators that are looked for.
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];
/// Lines by which the separator is found.
const LOOKED_AT: usize = 50;

/// A row with the line it begins on, from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub line: u64,
    pub cells: Vec<String>,
    /// A cell was longer, or there were more of them, than is kept; or a quote had no end, so that rows may have become a cell.
    pub is_cut: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// Where a cell begins.
    #[default]
    Begin,
    Plain,
    Quoted,
    /// After a quote within a quoted cell: its end, or the first of two.
    Quote,
}

/// Makes rows of characters.
#[derive(Debug)]
pub struct Reader {
    separator: char,
    at: At,
    line: u64,
    row: Row,
    cell: String,
    last_was_return: bool,
}

impl Reader {
    pub fn new(separator: char) -> Self {
        Self {
            separator,
            at: At::Begin,
            line: 1,
            row: Row { line: 1, ..Row::default() },
            cell: String::new(),
            last_was_return: false,
        }
    }

    /// Rows that are whole now. Empty lines are none, and neither is a first line that names the separator (`sep=;`).
    pub fn read(&mut self, text: &str, rows: &mut Vec<Row>) {
        for c in text.chars() {
            self.one(c, rows);
        }
    }

    /// The last row, where the text ends without a line feed.
    pub fn finish(mut self, rows: &mut Vec<Row>) {
        self.row.is_cut |= self.at == At::Quoted;
        self.end_row(rows);
    }

    fn one(&mut self, c: char, rows: &mut Vec<Row>) {
        // No text has it; a program that pads its fields does, and no store takes it in a name.
        if c == '\0' {
            return;
        }
        let after_return = std::mem::take(&mut self.last_was_return);
        if c == '\n' && after_return {
            if self.at == At::Quoted {
                self.keep(c);
            }
            return;
        }
        if c == '\n' || c == '\r' {
            self.line += 1;
            self.last_was_return = c == '\r';
        }
        match (self.at, c) {
            (At::Begin, '\u{feff}') if self.row.line == 1 && self.row.cells.is_empty() => {}
            (At::Begin, '"') => self.at = At::Quoted,
            (At::Quoted, '"') => self.at = At::Quote,
            (At::Quote, '"') => {
                self.keep('"');
                self.at = At::Quoted;
            }
            (At::Quoted, c) => self.keep(c),
            (_, '\n' | '\r') => self.end_row(rows),
            (_, c) if c == self.separator => self.end_cell(),
            // A quote that does not end its cell belongs to it.
            (At::Quote, c) => {
                self.keep(c);
                self.at = At::Plain;
            }
            (_, c) => {
                self.keep(c);
                self.at = At::Plain;
            }
        }
    }

    fn keep(&mut self, c: char) {
        if self.cell.len() + c.len_utf8() > MAX_CELL {
            self.row.is_cut = true;
        } else {
            self.cell.push(c);
        }
    }

    fn end_cell(&mut self) {
        self.at = At::Begin;
        let cell = std::mem::take(&mut self.cell);
        if self.row.cells.len() < MAX_CELLS {
            self.row.cells.push(cell);
        } else {
            self.row.is_cut = true;
        }
    }

    fn end_row(&mut self, rows: &mut Vec<Row>) {
        self.end_cell();
        let row = std::mem::replace(&mut self.row, Row { line: self.line, ..Row::default() });
        let is_empty = !row.is_cut && row.cells.iter().all(|cell| cell.trim().is_empty());
        if !is_empty && !is_told(&row) {
            rows.push(row);
        }
    }
}

/// Whether a row is the line by which spreadsheets are told the separator: `sep=;`, which is two cells when it is read by that.
fn is_told(row: &Row) -> bool {
    let is_sep = |cell: &str| cell.trim().eq_ignore_ascii_case("sep=");
    row.line == 1
        && match row.cells.as_slice() {
            [one] => told(one).is_some(),
            [first, second] => is_sep(first) && second.is_empty(),
            _ => false,
        }
}

/// The separator that a first line names.
fn told(line: &str) -> Option<char> {
    let (word, rest) = line.split_at_checked(4)?;
    let mut rest = rest.chars();
    let separator = rest.next().filter(|c| SEPARATORS.contains(c))?;
    (word.eq_ignore_ascii_case("sep=") && rest.next().is_none()).then_some(separator)
}

/// All rows of a short text.
pub fn rows(text: &str, separator: char) -> Vec<Row> {
    let (mut reader, mut rows) = (Reader::new(separator), Vec::new());
    reader.read(text, &mut rows);
    reader.finish(&mut rows);
    rows
}

/// The separator of a file, by its beginning: the one that its first line names, else the one that makes most rows as wide as the first,
/// and wide ones.
pub fn separator(head: &str) -> char {
    let first = head.trim_start_matches('\u{feff}').split(['\r', '\n']).next().unwrap_or_default();
    if let Some(separator) = told(first.trim_matches('"')) {
        return separator;
    }
    let score = |separator: &char| {
        let rows = rows(head, *separator);
        let width = rows.first().map_or(0, |row| row.cells.len());
        let same = rows.iter().take(LOOKED_AT).filter(|row| row.cells.len() == width).count();
        if width < 2 { 0 } else { same * 1_000 + width }
    };
    // Of equal ones the first, which is the comma.
    SEPARATORS.into_iter().rev().max_by_key(score).unwrap_or(',')
}

/// A cell for a file that a spreadsheet may open: what would be taken for a formula is text.
pub fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r', ';']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// A line of such a file.
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    cells.join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, separator: char, expected: &[(u64, &[&str])]) {
        let expected: Vec<(u64, Vec<String>)> = expected
            .iter()
            .map(|(line, cells)| (*line, cells.iter().map(|cell| (*cell).to_owned()).collect()))
            .collect();
        let seen = |rows: Vec<Row>| rows.into_iter().map(|row| (row.line, row.cells)).collect::<Vec<_>>();
        assert_eq!(seen(rows(text, separator)), expected, "{text:?}");
        // Whatever the pieces.
        let (mut reader, mut rows) = (Reader::new(separator), Vec::new());
        text.chars().for_each(|c| reader.read(c.encode_utf8(&mut [0; 4]), &mut rows));
        reader.finish(&mut rows);
        assert_eq!(seen(rows), expected, "{text:?} in pieces");
    }

    #[test]
    fn rows_are_read_as_they_are_meant() {
        check("a,b\n1,2\n", ',', &[(1, &["a", "b"]), (2, &["1", "2"])]);
        check("a,b\r\n1,2", ',', &[(1, &["a", "b"]), (2, &["1", "2"])]);
        check("a,b\r1,2\r", ',', &[(1, &["a", "b"]), (2, &["1", "2"])]);
        check("\u{feff}a;b\n\n1;\"x;y\"\n", ';', &[(1, &["a", "b"]), (3, &["1", "x;y"])]);
        check("\"a\r\nb\",c\n2,3", ',', &[(1, &["a\r\nb", "c"]), (3, &["2", "3"])]);
        check("\"say \"\"hi\"\"\",\"\"\n", ',', &[(1, &["say \"hi\"", ""])]);
        check("5\" pipe,x", ',', &[(1, &["5\" pipe", "x"])]);
        check("\"a\"b,c", ',', &[(1, &["ab", "c"])]);
        check("\"never ends\n1,2", ',', &[(1, &["never ends\n1,2"])]);
        check(",,\n  ,\n", ',', &[]);
        check("a\tb|c", '\t', &[(1, &["a", "b|c"])]);
        check("", ',', &[]);
        check("\u{feff}sep=;\r\na;b\r\n", ';', &[(2, &["a", "b"])]);
        check("\"sep=|\"\na|b", '|', &[(2, &["a", "b"])]);
        check("a;b\nsep=;\n", ';', &[(1, &["a", "b"]), (2, &["sep=", ""])]);
        check("a\0,b\n", ',', &[(1, &["a", "b"])]);
    }

    #[test]
    fn what_is_too_long_is_cut_and_told() {
        let row = &rows(&format!("{},b", "x".repeat(MAX_CELL + 1)), ',')[0];
        assert!(row.is_cut && row.cells[0].len() == MAX_CELL && row.cells[1] == "b");
        let row = &rows(&"1,".repeat(MAX_CELLS + 5), ',')[0];
        assert!(row.is_cut && row.cells.len() == MAX_CELLS);
        let rows = rows("a,b\n1,\"2\n3,4\n", ',');
        assert_eq!(
            rows.iter().map(|row| row.is_cut).collect::<Vec<_>>(),
            [false, true],
            "a quote without an end"
        );
    }

    #[test]
    fn the_separator_is_found() {
        for (text, expected) in [
            ("phone,name\n1,a\n2,b", ','),
            ("phone;name\n1,5;a\n2,7;b", ';'),
            ("phone\tname\n1\ta,b", '\t'),
            ("phone|name\n1|a", '|'),
            ("phone\n1\n2", ','),
            ("name;note\n\"a;b\";\"c,d,e\"\nx;y", ';'),
            ("sep=;\na,b;c,d\n1,2;3,4", ';'),
            ("SEP=\t\na\tb", '\t'),
            ("\u{feff}\"sep=|\"\na|b", '|'),
        ] {
            assert_eq!(separator(text), expected, "{text}");
        }
    }

    #[test]
    fn a_cell_is_no_formula() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("+919876543210"), "'+919876543210");
        assert_eq!(cell("@x\"y"), "\"'@x\"\"y\"");
        assert_eq!(cell("plain"), "plain");
        assert_eq!(line(["a", "b,c", "-1"]), "a,\"b,c\",'-1\r\n");
    }
}
