//! Resolves the paths of a crate to the files that define what they name.

use crate::modules::{Binding, Module, ModulePath, Modules, Path};

/// An import of one file from another.
#[derive(Clone, Debug)]
pub struct Import {
    pub from: String,
    pub line: usize,
    /// The path, for the error message.
    pub path: String,
    /// The file that defines what is imported.
    pub to: String,
    /// The files through whose re-exports the path leads.
    pub through: Vec<String>,
    pub test: bool,
    /// Whether a module re-exports an item of one of its own submodules.
    pub own_reexport: bool,
}

/// The module that a path leads to, and the files through whose re-exports it leads.
struct Found {
    module: ModulePath,
    file: String,
    through: Vec<String>,
}

/// The maximum length of a chain of re-exports. A longer chain is treated as a circle.
const MAX_STEPS: usize = 16;

impl Modules {
    /// Returns every import of one file from another.
    pub fn imports(&self) -> Vec<Import> {
        let imports = self.references.iter().filter_map(|reference| {
            let found = self.find(&reference.path, 0)?;
            let written = [reference.path.base.clone(), reference.path.segments.clone()].concat();
            let crosses = found.file != reference.file || found.through.iter().any(|file| *file != reference.file);
            crosses.then(|| Import {
                from: reference.file.clone(),
                line: reference.line,
                path: format!("crate::{}", written.join("::")),
                own_reexport: reference.reexport && is_inside(&found.file, &reference.file),
                to: found.file,
                through: found.through,
                test: reference.test,
            })
        });
        imports.collect()
    }

    fn find(&self, path: &Path, steps: usize) -> Option<Found> {
        self.find_in(&path.base, &path.segments, path.in_scope, steps)
    }

    /// Resolves a path that starts in a module. With `in_scope`, the module itself uses the first name; otherwise it
    /// provides the name to others.
    fn find_in(&self, at: &ModulePath, segments: &[String], in_scope: bool, steps: usize) -> Option<Found> {
        let module = self.modules.get(at).filter(|_| steps < MAX_STEPS)?;
        let itself = Found { module: at.clone(), file: module.file.clone(), through: Vec::new() };
        let Some((name, rest)) = segments.split_first() else { return Some(itself) };
        let imported = match module.binding(name, rest) {
            Some(Binding::Item) => return Some(itself),
            Some(Binding::Module) => {
                let inner = [at.as_slice(), std::slice::from_ref(name)].concat();
                return self.find_in(&inner, rest, false, steps + 1);
            }
            Some(Binding::Import(path)) => {
                let path = Path { segments: [&path.segments, rest].concat(), ..path.clone() };
                self.find(&path, steps + 1)
            }
            None => module.globs.iter().find_map(|glob| self.find_by_glob(glob, segments, steps + 1)),
        };
        match imported {
            Some(mut found) if !in_scope => {
                found.through.push(module.file.clone());
                Some(found)
            }
            // The name is from another crate or defined by a macro. For other modules, it belongs to this module.
            None if !in_scope => Some(itself),
            found => found,
        }
    }

    /// Resolves a path whose first name comes from `use other::*`, if the other module is known to have the name.
    fn find_by_glob(&self, glob: &Path, segments: &[String], steps: usize) -> Option<Found> {
        let other = self.find(glob, steps)?.module;
        let has_name = self.modules[&other].names.contains_key(&segments[0]);
        has_name.then(|| self.find_in(&other, segments, false, steps))?
    }
}

impl Module {
    /// Returns the binding of a name. A name can have several bindings, for example a module and an import.
    fn binding(&self, name: &str, rest: &[String]) -> Option<&Binding> {
        let rank = |binding: &&Binding| match binding {
            Binding::Item => 0,
            Binding::Module if rest.is_empty() => 3,
            Binding::Module => 1,
            Binding::Import(_) => 2,
        };
        self.names.get(name)?.iter().min_by_key(rank)
    }
}

/// Returns whether a file is a submodule of another.
fn is_inside(file: &str, parent: &str) -> bool {
    let folder = parent.trim_end_matches("mod.rs").trim_end_matches("lib.rs").trim_end_matches("main.rs");
    let folder = folder.strip_suffix(".rs").map_or(folder.to_owned(), |stem| format!("{stem}/"));
    file.starts_with(&folder)
}
