//! The rules for imports between rooms (folders of src). Each function returns the places that break its rule.

use crate::imports::Import;
use crate::modules::{Modules, Source};
use crate::plan::Plan;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use syn::Item;

const FRONT_DOOR: &str = "src/lib.rs";

pub struct House {
    plan: Plan,
    sources: Vec<Source>,
    imports: Vec<Import>,
}

impl House {
    pub fn new(plan: Plan, sources: Vec<Source>) -> Self {
        let (command, library): (Vec<_>, Vec<_>) =
            sources.iter().cloned().partition(|source| source.file.starts_with("src/bin/"));
        let imports = [Modules::read("src/", &library), Modules::read("src/bin/postbox/", &command)];
        let imports = imports.iter().flat_map(Modules::imports);
        // Only the first import of each kind between two files is kept, so that the report is short.
        let mut seen = HashSet::new();
        let imports = imports.filter(|import| seen.insert(import.kind())).collect();
        Self { plan, sources, imports }
    }

    /// Returns the rooms of the plan that are not in src, and the files of src that are in no room.
    pub fn unknown_rooms(&self) -> Vec<String> {
        let found: BTreeSet<&str> = self.sources.iter().map(|source| room_of(&source.file)).collect();
        let missing = self.plan.rooms().filter(|room| !found.contains(room));
        let missing = missing.map(|room| format!("{room} is in ARCHITECTURE.md and not in src"));
        let unknown = self.sources.iter().filter(|source| self.plan.floor(room_of(&source.file)).is_none());
        missing.chain(unknown.map(|source| format!("{} is in no room of ARCHITECTURE.md", source.file))).collect()
    }

    /// Returns the imports of a room from one that is above it or beside it.
    pub fn upward_imports(&self) -> Vec<String> {
        let of_import = |import: &Import| {
            let from = room_of(&import.from);
            let targets = std::iter::once(&import.to).chain(&import.through).map(|file| room_of(file));
            let wrong = |room: &&str| *room != from && self.plan.floor(room) <= self.plan.floor(from);
            targets.filter(wrong).map(|room| import.problem(&format!("{from} is not above {room}"))).next()
        };
        self.imports.iter().filter_map(of_import).collect()
    }

    /// Returns the imports by rooms above src/lib.rs that bypass the re-exports of src/lib.rs.
    pub fn side_entries(&self) -> Vec<String> {
        let floor = |file: &str| self.plan.floor(room_of(file));
        let is_side_entry = |import: &&Import| {
            let within = room_of(&import.from) == room_of(&import.to);
            let through_the_door = import.to == FRONT_DOOR || import.through.iter().any(|file| file == FRONT_DOOR);
            let is_outer = floor(&import.from).is_some_and(|floor_of_import| Some(floor_of_import) < floor(FRONT_DOOR));
            is_outer && !import.test && !within && !through_the_door
        };
        let why = "only what lib.rs re-exports may be used here";
        self.imports.iter().filter(is_side_entry).map(|import| import.problem(why)).collect()
    }

    /// Returns the circles of files that import each other, other than in tests.
    pub fn circles(&self) -> Vec<String> {
        let mut next: BTreeMap<&str, BTreeMap<&str, &Import>> = BTreeMap::new();
        for import in self.imports.iter().filter(|import| !import.test && !import.own_reexport) {
            if import.from != import.to {
                next.entry(&import.from).or_default().entry(&import.to).or_insert(import);
            }
        }
        let mut reported = BTreeSet::new();
        let mut circles = Vec::new();
        for start in next.keys() {
            let Some(circle) = shortest_circle(start, &next) else { continue };
            if reported.insert(circle.iter().map(|import| import.from.as_str()).collect::<BTreeSet<_>>()) {
                let steps: Vec<_> = circle.iter().map(|import| import.problem("")).collect();
                circles.push(format!("a circle:\n    {}", steps.join("\n    ")));
            }
        }
        circles
    }

    /// Returns the items of lib.rs other than modules and re-exports.
    pub fn code_in_the_front_door(&self) -> Vec<String> {
        let door = self.sources.iter().find(|source| source.file == FRONT_DOOR).expect("there is a lib.rs");
        let items = syn::parse_file(&door.text).expect("it was parsed before").items;
        let is_code = |item: &Item| match item {
            Item::Use(_) => false,
            Item::Mod(module) => module.content.is_some(),
            _ => true,
        };
        let code = items.iter().enumerate().filter(|(_, item)| is_code(item));
        code.map(|(at, _)| format!("{FRONT_DOOR}: item {} is code, and not a module or a re-export", at + 1)).collect()
    }
}

impl Import {
    fn kind(&self) -> (String, String, Vec<String>, bool, bool) {
        (self.from.clone(), self.to.clone(), self.through.clone(), self.test, self.own_reexport)
    }

    fn problem(&self, why: &str) -> String {
        let through = self.through.iter().map(|file| format!(" by way of {file}")).collect::<String>();
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        format!("{}:{} imports {} of {}{through}{why}", self.from, self.line, self.path, self.to)
    }
}

/// Returns `api` for src/api/builder.rs, `bin/postbox` for the command, `lib.rs` for the front door.
fn room_of(file: &str) -> &str {
    let inside = file.trim_start_matches("src/");
    let folders = if inside.starts_with("bin/") { 2 } else { 1 };
    inside.match_indices('/').nth(folders - 1).map_or(inside, |(end, _)| &inside[..end])
}

/// Returns the imports on the shortest way from a file back to itself.
fn shortest_circle<'a>(
    start: &'a str,
    next: &BTreeMap<&'a str, BTreeMap<&'a str, &'a Import>>,
) -> Option<Vec<&'a Import>> {
    let mut came_by: BTreeMap<&str, &Import> = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(file) = waiting.pop_front() {
        for (to, import) in next.get(file).into_iter().flatten() {
            if came_by.contains_key(to) {
                continue;
            }
            came_by.insert(to, import);
            waiting.push_back(to);
        }
    }
    let mut circle = vec![*came_by.get(start)?];
    while circle[0].from != start {
        circle.insert(0, came_by[circle[0].from.as_str()]);
    }
    Some(circle)
}
