//! Tables.

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Row, Table, Width};

use super::{Ink, Look};

/// A column: its heading, and on which side its values stand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    /// Text.
    Left(&'static str),
    /// Words, which are never cut.
    Word(&'static str),
    /// Numbers, which are never cut.
    Right(&'static str),
    /// Text that is cut last.
    Key(&'static str),
}

/// A table of texts that are clean, each with a colour if it has one. Where the terminal is too narrow, texts are cut and
/// end in `…`; elsewhere they are whole.
pub(crate) fn table(
    look: Look,
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<(String, Option<Ink>)>>,
) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_truncation_indicator("…");
    table.set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
    if let Some(width) = look.width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    if look.colours {
        table.enforce_styling();
    }
    let heading = |column: &Column| match column {
        Column::Left(name) | Column::Word(name) | Column::Right(name) | Column::Key(name) => {
            Cell::new(name).add_attribute(Attribute::Bold)
        }
    };
    let mut header = Row::from(columns.iter().map(heading).collect::<Vec<_>>());
    header.max_height(1);
    table.set_header(header);
    for row in rows {
        let cells = row.into_iter().map(|(text, ink)| coloured(Cell::new_owned(text), ink));
        let mut row = Row::from(cells.collect::<Vec<_>>());
        if look.width.is_some() {
            row.max_height(1);
        }
        table.add_row(row);
    }
    let widths = table.column_max_content_widths();
    for (at, column) in columns.iter().enumerate() {
        if let Some(made) = table.column_mut(at) {
            made.set_padding((0, 2));
            if matches!(column, Column::Right(_)) {
                made.set_cell_alignment(CellAlignment::Right);
            }
            match (column, look.width, widths.get(at)) {
                // With the room behind it.
                (Column::Key(_), Some(width), Some(needed)) => {
                    let least = (*needed).min(width / 5).saturating_add(2);
                    made.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
                }
                (Column::Word(_) | Column::Right(_), Some(_), _) => {
                    made.set_constraint(ColumnConstraint::ContentWidth);
                }
                _ => {}
            }
        }
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

fn coloured(cell: Cell, ink: Option<Ink>) -> Cell {
    match ink {
        None => cell,
        Some(Ink::Good) => cell.fg(Color::Green),
        Some(Ink::Warn) => cell.fg(Color::Yellow),
        Some(Ink::Bad) => cell.fg(Color::Red),
        Some(Ink::Head) => cell.add_attribute(Attribute::Bold),
        Some(Ink::Faint) => cell.add_attribute(Attribute::Dim),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(look: Look) -> String {
        let row = |name: &str, n: &str| vec![(name.to_owned(), Some(Ink::Bad)), (n.to_owned(), None)];
        table(
            look,
            &[Column::Left("NAME"), Column::Right("N")],
            [row("a name that is quite long", "1"), row("b", "22")],
        )
    }

    #[test]
    fn it_is_plain_and_whole_where_nobody_looks() {
        assert_eq!(
            made(Look::default()),
            "NAME                        N\na name that is quite long   1\nb                          22\n"
        );
    }

    #[test]
    fn it_fits_the_terminal() {
        let text = made(Look { width: Some(20), colours: false });
        assert!(text.lines().all(|line| line.chars().count() <= 20), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains('…') && text.contains("22"), "{text}");
    }

    #[test]
    fn colours_are_there_if_they_are_wanted() {
        assert!(!made(Look::default()).contains('\u{1b}'));
        assert!(made(Look { width: None, colours: true }).contains('\u{1b}'));
    }
}
