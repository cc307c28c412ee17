//! The order of the rooms, which are the folders of src: a room imports only rooms that are below it in the list of
//! ARCHITECTURE.md. These tests read the imports of every file.

mod imports;
mod modules;
mod plan;
mod rules;

use modules::Source;
use plan::Plan;
use rules::House;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// The files of src, and the plan in ARCHITECTURE.md.
static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let plan = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is readable");
    let mut sources = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src is readable") {
            let path = entry.expect("src is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path.strip_prefix(root).expect("it is in the repository").to_string_lossy().into_owned();
                sources.push(Source { file, text: fs::read_to_string(&path).expect("it is readable") });
            }
        }
    }
    House::new(Plan::parse(&plan), sources)
});

#[track_caller]
fn assert_none(problems: Vec<String>) {
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn every_file_is_in_a_room_of_the_architecture() {
    assert_none(HOUSE.unknown_rooms());
}

#[test]
fn rooms_import_only_rooms_below_them() {
    assert_none(HOUSE.upward_imports());
}

#[test]
fn outer_rooms_come_in_through_the_front_door() {
    assert_none(HOUSE.side_entries());
}

#[test]
fn files_do_not_import_each_other_in_circles() {
    assert_none(HOUSE.circles());
}

#[test]
fn the_front_door_holds_no_code() {
    assert_none(HOUSE.code_in_the_front_door());
}

mod broken_houses {
    use super::*;

    const PLAN: &str = "# Architecture\n\n## The house\n\n| room | what it is |\n|---|---|\n\
        | `src/bin/postbox/`, `src/ffi/` | They come in by `src/lib.rs`. |\n\
        | `src/lib.rs` | The front door. |\n\
        | `src/delivery/` | It sends. |\n\
        | `src/outbox/`, `src/transport/` | Neither knows the other. |\n\
        | `src/model/` | Values. |\n\n\
        ## More\n\n| `src/other/` | No room. |\n";

    /// Source files without a violation: files import from lower rooms, tests import the file that they test, and
    /// modules re-export their own files.
    const SOUND: &[(&str, &str)] = &[
        (
            "src/lib.rs",
            "#![deny(missing_docs)]\nmod delivery; mod ffi; mod model; mod outbox; mod transport;\npub use crate::delivery::Sender; pub use model::{Message, made_by_macro::Made}; pub use other_crate::Value;",
        ),
        ("src/bin/postbox/main.rs", "mod text; fn main() { text::print(postbox::Sender) }"),
        ("src/bin/postbox/text.rs", "pub fn print(sender: postbox::Sender) {}"),
        (
            "src/ffi/mod.rs",
            "mod handle; use crate::Sender; fn made() -> crate::Made { crate::Value::new(handle::Handle) }",
        ),
        ("src/ffi/handle.rs", "pub struct Handle; #[cfg(test)] mod tests { use crate::model::Message; }"),
        ("src/delivery/mod.rs", "mod sweep; pub use sweep::Sender;"),
        (
            "src/delivery/sweep.rs",
            "use crate::outbox::{self, Outbox}; use crate::transport::Producer;\npub struct Sender; mod inner { use super::Sender; use super::super::super::model; }",
        ),
        (
            "src/outbox/mod.rs",
            "pub(crate) mod item; mod read; pub(crate) use item::Item; pub(crate) struct Outbox; pub use read::*;",
        ),
        (
            "src/outbox/item.rs",
            "use crate::model::Message; pub struct Item(Message);\n#[cfg(test)] mod tests { use super::*; use crate::outbox::Outbox; use crate::model::Message; }",
        ),
        (
            "src/outbox/read.rs",
            "use super::{Item, Outbox}; impl Outbox { fn read(&self) -> Item { vec![crate::model::message()] } }",
        ),
        ("src/transport/mod.rs", "use crate::model; pub trait Producer { fn send(&self, message: model::Message); }"),
        ("src/model/mod.rs", "pub mod made_by_macro; pub struct Message; pub fn message() {}"),
        ("src/model/made_by_macro.rs", "macro_rules! make { () => { pub struct Made; } } make!();"),
    ];

    /// Returns the files of `SOUND` with these lines added.
    fn with(added: &[(&str, &str)]) -> House {
        let mut sources: Vec<Source> =
            SOUND.iter().map(|(file, text)| Source { file: (*file).into(), text: (*text).into() }).collect();
        for (file, line) in added {
            match sources.iter_mut().find(|source| source.file == *file) {
                Some(source) => source.text = format!("{}\n{line}", source.text),
                None => sources.push(Source { file: (*file).into(), text: (*line).into() }),
            }
        }
        House::new(Plan::parse(PLAN), sources)
    }

    #[track_caller]
    fn assert_found(problems: Vec<String>, expected: &str) {
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{expected:?} is not in {problems:#?}");
    }

    #[test]
    fn a_sound_house_has_no_problems() {
        let house = with(&[]);
        assert_none(house.unknown_rooms());
        assert_none(house.upward_imports());
        assert_none(house.side_entries());
        assert_none(house.circles());
        assert_none(house.code_in_the_front_door());
    }

    #[test]
    fn imports_of_rooms_above_are_found() {
        for line in [
            "use crate::delivery::Sender;",
            "use super::super::delivery::Sender;",
            "use crate::{model::Message, delivery::{self}};",
            "use crate::delivery as above;",
            "use crate::delivery::*;",
            "pub(crate) use crate::delivery::Sender;",
            "fn sender() -> crate::delivery::Sender { todo!() }",
            "fn send() { super::super::delivery::Sender::send() }",
            "fn send() { use crate::delivery::Sender; }",
            "fn send() { println!(\"{}\", crate::delivery::Sender::name()) }",
            "macro_rules! send { () => { $crate::delivery::Sender::send() } }",
            "macro_rules! send { () => { use crate::{model, delivery::Sender}; } }",
            "#[cfg(test)] mod tests { use crate::delivery::Sender; }",
            "impl crate::delivery::Sender {}",
        ] {
            let problems = with(&[("src/outbox/read.rs", line)]).upward_imports();
            assert_found(problems.clone(), "outbox is not above delivery");
            assert_found(problems, "src/outbox/read.rs:2");
        }
    }

    #[test]
    fn imports_of_the_front_door_from_below_are_found() {
        for name in ["Message", "Value", "Sender"] {
            let problems = with(&[("src/outbox/item.rs", &format!("use crate::{name};"))]).upward_imports();
            assert_found(problems, "src/lib.rs: outbox is not above ");
        }
    }

    #[test]
    fn imports_of_rooms_beside_are_found() {
        let problems = with(&[("src/transport/mod.rs", "use crate::outbox::item::Item;")]).upward_imports();
        assert_found(problems, "transport is not above outbox");
        let problems = with(&[("src/outbox/item.rs", "use crate::transport::Producer;")]).upward_imports();
        assert_found(problems, "outbox is not above transport");
    }

    #[test]
    fn a_reexport_does_not_hide_the_room_that_it_comes_from() {
        let added = [
            ("src/transport/mod.rs", "pub(crate) use crate::outbox::Outbox as Hidden;"),
            ("src/transport/sns.rs", "use super::Hidden;"),
        ];
        assert_found(
            with(&added).upward_imports(),
            "src/transport/sns.rs:1 imports crate::transport::Hidden of src/outbox",
        );
    }

    #[test]
    fn side_entries_of_the_outer_rooms_are_found() {
        for line in [
            "use crate::delivery::Sender as Inner;",
            "fn message() { crate::model::message() }",
            "use super::outbox::Outbox;",
        ] {
            assert_found(with(&[("src/ffi/mod.rs", line)]).side_entries(), "src/ffi/mod.rs:2");
        }
    }

    #[test]
    fn circles_of_files_are_found() {
        for added in [
            // Two files import each other.
            [("src/outbox/item.rs", "use super::read::Page;"), ("src/outbox/read.rs", "pub struct Page;")],
            // A parent uses a child that uses the parent.
            [("src/outbox/mod.rs", "fn page() { read::page() }"), ("src/outbox/read.rs", "pub fn page() {}")],
            [("src/outbox/mod.rs", "use read::Page;"), ("src/outbox/read.rs", "pub struct Page;")],
            // A module uses a name that it re-exports.
            [
                ("src/outbox/mod.rs", "pub use read::Page; struct Pages(Vec<Page>);"),
                ("src/outbox/read.rs", "pub struct Page;"),
            ],
        ] {
            let circles = with(&added).circles();
            assert_eq!(circles.len(), 1, "{circles:?}");
            assert_found(circles, "of src/outbox/read.rs");
        }
        let three = [
            ("src/model/a.rs", "use super::b::B;"),
            ("src/model/b.rs", "use super::c::C;"),
            ("src/model/c.rs", "use super::a::A;"),
            ("src/model/mod.rs", "mod a; mod b; mod c;"),
        ];
        let circles = with(&three).circles();
        assert_eq!(circles.len(), 1, "{circles:?}");
        let command =
            [("src/bin/postbox/text.rs", "use crate::MAIN;"), ("src/bin/postbox/main.rs", "const MAIN: u8 = 0;")];
        assert_found(with(&command).circles(), "src/bin/postbox/text.rs:2");
    }

    #[test]
    fn code_in_the_front_door_is_found() {
        for code in ["pub type Item = u8;", "fn helper() {}", "mod inside { pub use crate::model; }", "make!();"] {
            assert_eq!(with(&[("src/lib.rs", code)]).code_in_the_front_door().len(), 1, "{code}");
        }
    }

    #[test]
    fn files_outside_of_the_plan_are_found() {
        assert_found(with(&[("src/helpers.rs", "")]).unknown_rooms(), "src/helpers.rs is in no room");
        assert_found(with(&[("src/other/mod.rs", "")]).unknown_rooms(), "src/other/mod.rs is in no room");
        let house = House::new(Plan::parse(&PLAN.replace("`src/model/`", "`src/model/`, `src/gone/`")), Vec::new());
        assert_found(house.unknown_rooms(), "gone is in ARCHITECTURE.md and not in src");
    }
}
