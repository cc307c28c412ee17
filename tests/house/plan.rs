//! The order of the rooms, as ARCHITECTURE.md lists it.

/// The floors, the highest first. A floor holds rooms (folders of src) that must not import each other.
pub struct Plan {
    floors: Vec<Vec<String>>,
}

impl Plan {
    /// Reads the table under the heading "The house". The first cell of a row holds the rooms of one floor, as paths.
    pub fn parse(page: &str) -> Self {
        let floors: Vec<Vec<String>> = page
            .lines()
            .skip_while(|line| *line != "## The house")
            .skip(1)
            .take_while(|line| !line.starts_with('#'))
            .filter_map(|line| line.strip_prefix("| `")?.split_once('|'))
            .map(|(rooms, _)| rooms.split('`').filter_map(room).collect())
            .collect();
        assert!(floors.len() > 2 && floors.iter().all(|rooms| !rooms.is_empty()), "no table of rooms was found");
        Self { floors }
    }

    pub fn rooms(&self) -> impl Iterator<Item = &str> {
        self.floors.iter().flatten().map(String::as_str)
    }

    /// Returns the floor of a room, 0 for the highest.
    pub fn floor(&self, room: &str) -> Option<usize> {
        self.floors.iter().position(|rooms| rooms.iter().any(|other| other == room))
    }
}

/// Returns `api` for `src/api/`.
fn room(path: &str) -> Option<String> {
    Some(path.trim().strip_prefix("src/")?.trim_end_matches('/').to_owned())
}
