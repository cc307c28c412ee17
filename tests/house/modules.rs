//! The modules of a crate, the names that each has, and every path in them.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::HashMap;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemMod, ItemUse, UseTree, Visibility};

/// A module's path from the root of its crate.
pub type ModulePath = Vec<String>;

/// A file under src, by its path from the root of the repository.
#[derive(Clone)]
pub struct Source {
    pub file: String,
    pub text: String,
}

/// A module: a file, or a `mod name { ... }` in one.
pub struct Module {
    pub file: String,
    pub names: HashMap<String, Vec<Binding>>,
    pub globs: Vec<Path>,
}

/// The origin of a name in a module.
pub enum Binding {
    Item,
    Module,
    Import(Path),
}

/// A path in a module.
#[derive(Clone)]
pub struct Path {
    /// The module in which the path starts: the module of the code, or the module that `crate`, `self` or `super`
    /// names.
    pub base: ModulePath,
    /// Whether the first name has to be in scope, because the path does not begin with `crate`, `self` or `super`.
    pub in_scope: bool,
    pub segments: Vec<String>,
}

/// A use of a path.
pub struct Reference {
    pub file: String,
    pub line: usize,
    pub path: Path,
    pub test: bool,
    pub reexport: bool,
}

#[derive(Default)]
pub struct Modules {
    pub modules: HashMap<ModulePath, Module>,
    pub references: Vec<Reference>,
}

impl Modules {
    /// Reads the files of a crate whose root is in the folder `root`.
    pub fn read(root: &str, sources: &[Source]) -> Self {
        let mut read = Self::default();
        for source in sources {
            let parsed = syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.file));
            let inside = source.file.trim_start_matches(root).trim_end_matches(".rs");
            let mut here: ModulePath = inside.split('/').map(str::to_owned).collect();
            here.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
            let mut reader = Reader { file: &source.file, here, test: false, read: &mut read };
            reader.open();
            reader.visit_file(&parsed);
        }
        read
    }
}

struct Reader<'a> {
    file: &'a str,
    here: ModulePath,
    test: bool,
    read: &'a mut Modules,
}

impl Reader<'_> {
    fn open(&mut self) -> &mut Module {
        let empty = || Module { file: self.file.to_owned(), names: HashMap::new(), globs: Vec::new() };
        self.read.modules.entry(self.here.clone()).or_insert_with(empty)
    }

    fn bind(&mut self, name: &str, binding: Binding) {
        self.open().names.entry(name.to_owned()).or_default().push(binding);
    }

    /// Returns the path of these segments, or `None` if it can only lead to another crate.
    fn path(&self, mut segments: Vec<String>) -> Option<Path> {
        let mut base = self.here.clone();
        let mut in_scope = true;
        while let Some(first) = segments.first() {
            match first.as_str() {
                "crate" => base.clear(),
                "super" => _ = base.pop(),
                "self" => {}
                _ => break,
            }
            in_scope = false;
            segments.remove(0);
        }
        (!segments.is_empty() || !in_scope).then_some(Path { base, in_scope, segments })
    }

    fn refer(&mut self, segments: Vec<String>, line: usize, reexport: bool) {
        if let Some(path) = self.path(segments) {
            let (file, test) = (self.file.to_owned(), self.test);
            self.read.references.push(Reference { file, line, path, test, reexport });
        }
    }

    /// Runs `visit`, and treats the visited code as test code if the attributes mark a test.
    fn within(&mut self, attributes: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let before = self.test;
        self.test |= attributes.iter().any(is_test);
        visit(self);
        self.test = before;
    }

    fn import(&mut self, tree: &UseTree, mut prefix: Vec<String>, reexport: bool) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.import(&path.tree, prefix, reexport);
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, prefix.clone(), reexport)),
            UseTree::Name(name) => self.import_name(&name.ident, &name.ident, prefix, reexport),
            UseTree::Rename(name) => self.import_name(&name.ident, &name.rename, prefix, reexport),
            UseTree::Glob(glob) => {
                if let Some(path) = self.path(prefix.clone()) {
                    self.open().globs.push(path);
                }
                self.refer(prefix, glob.star_token.span.start().line, reexport);
            }
        }
    }

    fn import_name(&mut self, ident: &syn::Ident, name: &syn::Ident, mut path: Vec<String>, reexport: bool) {
        let mut name = name.to_string();
        if ident != "self" {
            path.push(ident.to_string());
        } else if name == "self" {
            name = path.last().cloned().unwrap_or_default();
        }
        if let Some(path) = self.path(path.clone()) {
            self.bind(&name, Binding::Import(path));
        }
        self.refer(path, ident.span().start().line, reexport);
    }

    /// Adds a reference for every path in the tokens of a macro. `prefix` is the path before the braces that contain
    /// the tokens.
    fn scan(&mut self, tokens: TokenStream, prefix: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let after_dot = at > 0 && is_punct(tokens.get(at - 1), '.');
            at += 1;
            match token {
                TokenTree::Group(group) => self.scan(group.stream(), &[]),
                TokenTree::Ident(first) if !after_dot => {
                    let mut path = prefix.to_vec();
                    path.push(first.to_string());
                    let mut group = None;
                    while is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':') {
                        match tokens.get(at + 2) {
                            Some(TokenTree::Ident(next)) => path.push(next.to_string()),
                            Some(TokenTree::Group(braces)) => group = Some(braces.stream()),
                            _ => break,
                        }
                        at += 3;
                    }
                    match group {
                        Some(tokens) => self.scan(tokens, &path),
                        // A single word in lower case may be a field or a variable, so it is not a reference.
                        None if path.len() > 1 || first.to_string().starts_with(char::is_uppercase) => {
                            self.refer(path, first.span().start().line, false);
                        }
                        None => {}
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let (name, attributes) = match item {
            Item::Const(item) => (Some(&item.ident), &item.attrs),
            Item::Enum(item) => (Some(&item.ident), &item.attrs),
            Item::Fn(item) => (Some(&item.sig.ident), &item.attrs),
            Item::Macro(item) => (item.ident.as_ref(), &item.attrs),
            Item::Static(item) => (Some(&item.ident), &item.attrs),
            Item::Struct(item) => (Some(&item.ident), &item.attrs),
            Item::Trait(item) => (Some(&item.ident), &item.attrs),
            Item::Type(item) => (Some(&item.ident), &item.attrs),
            Item::Union(item) => (Some(&item.ident), &item.attrs),
            Item::Impl(item) => (None, &item.attrs),
            Item::Mod(item) => (None, &item.attrs),
            Item::Use(item) => (None, &item.attrs),
            _ => (None, const { &Vec::new() }),
        };
        if let Some(name) = name {
            self.bind(&name.to_string(), Binding::Item);
        }
        self.within(attributes, |reader| visit::visit_item(reader, item));
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes: &[Attribute] = if let ImplItem::Fn(function) = item { &function.attrs } else { &[] };
        self.within(attributes, |reader| visit::visit_impl_item(reader, item));
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let name = module.ident.to_string();
        self.bind(&name, Binding::Module);
        if let Some((_, items)) = &module.content {
            self.here.push(name);
            self.open();
            items.iter().for_each(|item| self.visit_item(item));
            self.here.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            self.import(&item.tree, Vec::new(), !matches!(item.vis, Visibility::Inherited));
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none()
            && let Some(first) = path.segments.first()
        {
            let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.refer(segments, first.ident.span().start().line, false);
        }
        visit::visit_path(self, path);
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        self.scan(tokens.clone(), &[]);
    }

    /// Documentation, derives and conditions import nothing.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    /// `pub(in crate::room)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

fn is_test(attribute: &Attribute) -> bool {
    let condition = || attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test");
    attribute.path().is_ident("test") || attribute.path().is_ident("cfg") && condition()
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}
