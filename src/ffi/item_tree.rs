//! Items as C builds and reads them: the strings end with a NUL character, the attributes have an order, and a value stays at its
//! address until the item is freed.

use crate::ffi::value_kind::postbox_kind as Kind;
use crate::item_limits::{MAX_NESTING, check_name, check_number, check_set};
use crate::{AttributeValue, Error, ErrorCode, Item, Result};
use aws_sdk_dynamodb::primitives::Blob;
use indexmap::IndexSet;
use smallvec::SmallVec;
use std::borrow::Borrow;
use std::ffi::c_char;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The number of attributes for which a new item has room.
const ROOM: usize = 14;

/// A text with a NUL character at its end. A short text is stored in place, so that an attribute is usually one allocation.
pub(crate) struct Text(SmallVec<[u8; 24]>);

impl Text {
    pub(crate) fn new(text: &str) -> Self {
        let mut bytes = SmallVec::with_capacity(text.len() + 1);
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        Self(bytes)
    }

    pub(crate) fn as_str(&self) -> &str {
        // SAFETY: `new` copies a str and adds the last byte, and the bytes never change.
        unsafe { str::from_utf8_unchecked(&self.0[..self.0.len() - 1]) }
    }

    pub(crate) fn as_ptr(&self) -> *const c_char {
        self.0.as_ptr().cast()
    }
}

/// A value of a map or of the item, and its name.
struct Member {
    name: Text,
    value: Value,
}

/// A member in a set of members, where its name is its identity. C keeps pointers to the name and the value while the set
/// moves its elements, which the rules for a Box do not allow.
#[derive(Clone)]
pub(crate) struct Named(Arc<Member>);

impl Named {
    fn new(name: Text, value: Value) -> Self {
        Self(Arc::new(Member { name, value }))
    }

    pub(crate) fn name(&self) -> &Text {
        &self.0.name
    }

    pub(crate) fn value(&self) -> &Value {
        &self.0.value
    }
}

impl Borrow<str> for Named {
    fn borrow(&self) -> &str {
        self.0.name.as_str()
    }
}

impl Hash for Named {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.as_str().hash(state);
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.0.name.as_str() == other.0.name.as_str()
    }
}

impl Eq for Named {}

pub(crate) type Members = IndexSet<Named>;

/// A value of DynamoDB. A list, a set or a map inside the item is not changed after it was ended. The attributes of the item
/// can change, so each has an address of its own.
pub(crate) enum Value {
    String(Text),
    Number(Text),
    Binary(Vec<u8>),
    Bool(bool),
    Null,
    Map(Members),
    List(Vec<Value>),
    /// A set of values of one kind.
    Set(Kind, Vec<Value>),
}

impl Value {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::String(_) => Kind::String,
            Self::Number(_) => Kind::Number,
            Self::Binary(_) => Kind::Binary,
            Self::Bool(_) => Kind::Bool,
            Self::Null => Kind::Null,
            Self::Map(_) => Kind::Map,
            Self::List(_) => Kind::List,
            Self::Set(kind, _) => *kind,
        }
    }

    fn to_attribute(&self) -> AttributeValue {
        match self {
            Self::String(text) => AttributeValue::S(text.as_str().to_owned()),
            Self::Number(number) => AttributeValue::N(number.as_str().to_owned()),
            Self::Binary(bytes) => AttributeValue::B(Blob::new(bytes.as_slice())),
            Self::Bool(flag) => AttributeValue::Bool(*flag),
            Self::Null => AttributeValue::Null(true),
            Self::Map(members) => AttributeValue::M(to_item(members)),
            Self::List(values) => AttributeValue::L(values.iter().map(Self::to_attribute).collect()),
            Self::Set(Kind::BinarySet, values) => AttributeValue::Bs(
                values
                    .iter()
                    .map(|value| Blob::new(if let Self::Binary(bytes) = value { bytes } else { &[][..] }))
                    .collect(),
            ),
            Self::Set(kind, values) => {
                let texts =
                    values.iter().map(|value| value.text().map_or_else(String::new, |text| text.as_str().to_owned()));
                if *kind == Kind::NumberSet {
                    AttributeValue::Ns(texts.collect())
                } else {
                    AttributeValue::Ss(texts.collect())
                }
            }
        }
    }

    fn of(attribute: &AttributeValue) -> Self {
        let text = |text: &String| Self::String(Text::new(text));
        let number = |number: &String| Self::Number(Text::new(number));
        match attribute {
            AttributeValue::S(text) => Self::String(Text::new(text)),
            AttributeValue::N(number) => Self::Number(Text::new(number)),
            AttributeValue::B(bytes) => Self::Binary(bytes.as_ref().to_vec()),
            AttributeValue::Bool(flag) => Self::Bool(*flag),
            AttributeValue::M(item) => Self::Map(members(item)),
            AttributeValue::L(values) => Self::List(values.iter().map(Self::of).collect()),
            AttributeValue::Ss(texts) => Self::Set(Kind::StringSet, texts.iter().map(text).collect()),
            AttributeValue::Ns(numbers) => Self::Set(Kind::NumberSet, numbers.iter().map(number).collect()),
            AttributeValue::Bs(blobs) => {
                Self::Set(Kind::BinarySet, blobs.iter().map(|bytes| Self::Binary(bytes.as_ref().to_vec())).collect())
            }
            _ => Self::Null,
        }
    }

    pub(crate) fn text(&self) -> Option<&Text> {
        match self {
            Self::String(text) | Self::Number(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the elements of a list or a set.
    pub(crate) fn elements(&self) -> &[Self] {
        match self {
            Self::List(values) | Self::Set(_, values) => values,
            _ => &[],
        }
    }

    pub(crate) fn members(&self) -> Option<&Members> {
        match self {
            Self::Map(members) => Some(members),
            _ => None,
        }
    }
}

fn to_item(members: &Members) -> Item {
    members.iter().map(|member| (member.name().as_str().to_owned(), member.value().to_attribute())).collect()
}

/// Returns the attributes of an item, in the order of their names.
fn members(item: &Item) -> Members {
    let mut members: Members = item.iter().map(|(name, value)| Named::new(Text::new(name), Value::of(value))).collect();
    members.sort_by(|one, other| one.name().as_str().cmp(other.name().as_str()));
    members
}

/// An item that is built value by value.
pub(crate) struct Tree {
    root: Box<Value>,
    /// The maps, lists and sets that were begun and not ended, from the outermost to the innermost.
    open: Vec<(Option<Text>, Value)>,
    /// Attributes that were replaced or removed, to which C may still have pointers.
    retired: Vec<Named>,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self::with(Members::with_capacity(ROOM))
    }

    pub(crate) fn of(item: &Item) -> Self {
        Self::with(members(item))
    }

    fn with(members: Members) -> Self {
        Self { root: Box::new(Value::Map(members)), open: Vec::new(), retired: Vec::new() }
    }

    pub(crate) fn root(&self) -> &Value {
        &self.root
    }

    /// Returns the item, if every map, list and set was ended.
    pub(crate) fn item(&self) -> Result<Item> {
        Ok(self.complete()?.map(to_item).unwrap_or_default())
    }

    /// Returns a copy of the item, if every map, list and set was ended. Both items share the values, which never change.
    pub(crate) fn copy(&self) -> Result<Self> {
        Ok(Self::with(self.complete()?.cloned().unwrap_or_default()))
    }

    /// Returns the attributes, if every map, list and set was ended.
    fn complete(&self) -> Result<Option<&Members>> {
        if self.open.is_empty() {
            return Ok(self.root.members());
        }
        Err(self.error_of_container("was not ended: call postbox_item_end"))
    }

    /// Adds a value to the innermost open map, list or set, or to the item.
    pub(crate) fn add(&mut self, name: Option<&str>, value: Value) -> Result<()> {
        self.check(name, &value)?;
        self.insert(name.map(Text::new), value);
        Ok(())
    }

    fn insert(&mut self, name: Option<Text>, value: Value) {
        match (self.open.last_mut().map_or(&mut *self.root, |(_, container)| container), name) {
            (Value::Map(members), Some(name)) => {
                self.retired.extend(members.replace(Named::new(name, value)));
            }
            (Value::List(values) | Value::Set(_, values), _) => values.push(value),
            _ => {}
        }
    }

    /// Begins a map, a list or a set.
    pub(crate) fn begin(&mut self, name: Option<&str>, kind: Kind) -> Result<()> {
        let container = match kind {
            Kind::Map => Value::Map(Members::new()),
            Kind::List => Value::List(Vec::new()),
            Kind::StringSet | Kind::NumberSet | Kind::BinarySet => Value::Set(kind, Vec::new()),
            _ => return Err(self.error_of_value(name, "cannot be begun: only a map, a list or a set has values")),
        };
        self.check(name, &container)?;
        let is_set = matches!(container, Value::Set(..));
        if self.open.len() >= MAX_NESTING && !is_set {
            return Err(self
                .error_of_value(name, &format!("is nested in {MAX_NESTING} lists and maps, the maximum of DynamoDB")));
        }
        self.open.push((name.map(Text::new), container));
        Ok(())
    }

    /// Ends the innermost map, list or set.
    pub(crate) fn end(&mut self) -> Result<()> {
        if let Some((_, Value::Set(_, values))) = self.open.last() {
            check_set(values.len()).map_err(|problem| self.error_of_container(&problem))?;
        }
        let (name, container) = self.open.pop().ok_or_else(|| {
            Error::new(ErrorCode::InvalidArgument, "the item has no map, list or set that was begun and not ended")
        })?;
        self.insert(name, container);
        Ok(())
    }

    /// Removes an attribute of the item. Does nothing if the item does not have it.
    pub(crate) fn remove(&mut self, name: &str) {
        if let Value::Map(members) = &mut *self.root {
            self.retired.extend(members.shift_take(name));
        }
    }

    /// Checks that the innermost container can have this value under this name.
    fn check(&self, name: Option<&str>, value: &Value) -> Result<()> {
        let problem = match (self.open.last().map_or(&*self.root, |(_, container)| container), name) {
            (Value::Map(_), None) => Err("needs a name, because it is part of a map or of the item".into()),
            (Value::Map(_), Some(name)) => check_name(name),
            (_, Some(_)) => Err("must have NULL as its name, because it is an element of a list or a set".into()),
            (Value::Set(kind, _), None) if kind.element() != Some(value.kind()) => {
                Err(format!("is a {}, but the set contains {}s only", value.kind().name(), kind.element_name()))
            }
            _ => Ok(()),
        };
        let problem = problem.and_then(|()| match value {
            Value::Number(number) => check_number(number.as_str()),
            _ => Ok(()),
        });
        problem.map_err(|problem| self.error_of_value(name, &problem))
    }

    /// Returns an error about the value that is added with this name to the innermost container.
    fn error_of_value(&self, name: Option<&str>, problem: &str) -> Error {
        Self::error(&self.path_of_value(name), problem)
    }

    /// Adds the path of the innermost container to the error of a name that is not UTF-8.
    pub(crate) fn invalid_name(&self, error: Error) -> Error {
        Self::error_at(&self.path(), error)
    }

    /// Adds the path of a value to the error of an argument that cannot become the value.
    pub(crate) fn invalid_value(&self, name: Option<&str>, error: Error) -> Error {
        Self::error_at(&self.path_of_value(name), error)
    }

    fn error_at(path: &str, error: Error) -> Error {
        match path {
            "" => error,
            path => Error::new(error.code(), format!("the item: {path}: {}", error.message())),
        }
    }

    /// Returns an error about the innermost container.
    fn error_of_container(&self, problem: &str) -> Error {
        Self::error(&self.path(), problem)
    }

    /// Returns the path of the value that is added with this name to the innermost container.
    fn path_of_value(&self, name: Option<&str>) -> String {
        let container = self.open.last().map_or(&*self.root, |(_, container)| container);
        let mut path = self.path();
        if name.is_some() || container.members().is_none() {
            push_step(&mut path, container, name);
        }
        path
    }

    /// Returns the path of the innermost container.
    fn path(&self) -> String {
        let mut path = String::new();
        let mut container = &*self.root;
        for (name, inner) in &self.open {
            push_step(&mut path, container, name.as_ref().map(Text::as_str));
            container = inner;
        }
        path
    }

    fn error(path: &str, problem: &str) -> Error {
        let path = if path.is_empty() { "a value" } else { path };
        Error::new(ErrorCode::InvalidArgument, format!("the item: {path} {problem}"))
    }
}

/// Adds the name of a member, or the index of the next element, to a path.
fn push_step(path: &mut String, container: &Value, name: Option<&str>) {
    match name {
        Some(name) => {
            let separator = if path.is_empty() { "" } else { "." };
            *path += &format!("{separator}{name}");
        }
        None => *path += &format!("[{}]", container.elements().len()),
    }
}
