//! The typed schema: what a setting and a table can do, and the macro that declares a table.
//!
//! A table is declared once, with key, type, default and documentation of each setting. Reading
//! a file, applying the environment, printing and the annotated sample all walk that declaration,
//! so none of them can forget a key.

use toml::Spanned;
use toml::de::DeValue;

use crate::environment::EnvWalk;
use crate::file::FileWalk;

/// What the declaration says about one setting, apart from its type and default.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name in the file; the environment uses it in upper case with `_` for `-`.
    pub key: &'static str,
    /// Sentences for the manual and the sample, one line each.
    pub doc: &'static [&'static str],
    /// The API shows only whether it is set, never its value.
    pub redacted: bool,
    /// The API may override this table (meaningful for the tables of [`crate::Config`]).
    pub overridable: bool,
    /// For a list of tables: the key that names an element in the API's paths.
    pub element_key: Option<&'static str>,
    /// Name in the API where it differs from the file's.
    pub override_key: Option<&'static str>,
    /// Another name that the file may use.
    pub alias: Option<&'static str>,
    /// A list of tables that may also be written as one table.
    pub(crate) single: bool,
    /// A list whose only element the environment may name without an index.
    pub(crate) implicit_index: bool,
    /// A zero value (empty, 0, false) is replaced by the default after everything is read.
    pub(crate) filled: bool,
    /// A list of texts that the environment may also give whole, separated by commas.
    pub(crate) commas: bool,
    /// Kapacitor keeps this setting in a nameless nested struct, so that its variables carry
    /// a doubled `_`; both spellings count.
    pub(crate) nameless: bool,
    /// Farad's own: Kapacitor does not know it.
    pub own: bool,
}

impl Field {
    pub(crate) const fn new(key: &'static str, doc: &'static [&'static str]) -> Self {
        Self {
            key,
            doc,
            redacted: false,
            overridable: false,
            element_key: None,
            override_key: None,
            alias: None,
            single: false,
            implicit_index: false,
            filled: false,
            commas: false,
            nameless: false,
            own: false,
        }
    }

    pub(crate) const fn redacted(mut self) -> Self {
        self.redacted = true;
        self
    }

    pub(crate) const fn overridable(mut self) -> Self {
        self.overridable = true;
        self
    }

    pub(crate) const fn elements(mut self, key: &'static str) -> Self {
        self.overridable = true;
        self.element_key = Some(key);
        self
    }

    pub(crate) const fn override_key(mut self, key: &'static str) -> Self {
        self.override_key = Some(key);
        self
    }

    pub(crate) const fn alias(mut self, key: &'static str) -> Self {
        self.alias = Some(key);
        self
    }

    pub(crate) const fn single(mut self) -> Self {
        self.single = true;
        self
    }

    pub(crate) const fn implicit_index(mut self) -> Self {
        self.implicit_index = true;
        self
    }

    pub(crate) const fn filled(mut self) -> Self {
        self.filled = true;
        self
    }

    pub(crate) const fn commas(mut self) -> Self {
        self.commas = true;
        self
    }

    pub(crate) const fn nameless(mut self) -> Self {
        self.nameless = true;
        self
    }

    pub(crate) const fn own(mut self) -> Self {
        self.own = true;
        self
    }
}

/// A key that some Kapacitor release (or its sample file) knew and that means nothing any more.
#[derive(Clone, Copy, Debug)]
pub struct Retired {
    /// The key.
    pub key: &'static str,
    /// Why it has no effect.
    pub reason: &'static str,
}

/// A setting's value as the printer and the API see it.
#[derive(Clone, Debug)]
pub enum Shape<'a> {
    /// An optional setting that is not set; it is left out of the file.
    Absent,
    /// A text, number, boolean or list of texts.
    Plain(toml::Value),
    /// Free keys with plain values.
    Map(Vec<(String, toml::Value)>),
    /// A nested table.
    Table(&'a dyn Table),
    /// A list of tables.
    Tables(Vec<&'a dyn Table>),
    /// Free keys with tables.
    TableMap(Vec<(String, &'a dyn Table)>),
}

/// One typed value of the configuration.
pub trait Setting: std::fmt::Debug {
    /// The value that Go gives an unset variable of the type.
    fn zero() -> Self
    where
        Self: Sized;

    /// What the type is called in messages.
    fn wanted(&self) -> &'static str;

    /// Takes the value from the file; a wrong one is reported to the walk and changes nothing.
    fn read(&mut self, value: &Spanned<DeValue<'_>>, field: &Field, walk: &mut FileWalk<'_>);

    /// Takes the value from the environment, where its variable is `name`.
    fn override_from(&mut self, name: &str, field: &Field, walk: &mut EnvWalk<'_>);

    /// Replaces zero values by defaults in nested tables.
    fn fill(&mut self) {}

    /// The value for printing.
    fn shape(&self) -> Shape<'_>;
}

/// A table of settings, in the order of its declaration.
pub trait Table: std::fmt::Debug {
    /// What is declared about each setting.
    fn fields(&self) -> &'static [Field];

    /// Keys that are accepted with a warning and do nothing.
    fn retired(&self) -> &'static [Retired];

    /// The settings, parallel to [`Table::fields`].
    fn settings(&self) -> Vec<&dyn Setting>;

    /// The settings for changing, parallel to [`Table::fields`].
    fn settings_mut(&mut self) -> Vec<&mut dyn Setting>;
}

/// Reads and overrides a nested table: the bodies of its [`Setting`] are the same for all.
pub(crate) fn read_table(table: &mut dyn Table, value: &Spanned<DeValue<'_>>, walk: &mut FileWalk<'_>) {
    match value.get_ref() {
        DeValue::Table(entries) => walk.table(table, entries),
        other => walk.wrong_type(value.span(), "a table", other),
    }
}

/// Declares tables. Each setting reads
/// `field "key": Type = default, flag, flag(argument);` under its documentation.
macro_rules! tables {
    ($(
        $(#[doc = $about:literal])+
        $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident $key:literal : $type:ty = $default:expr
                    $(, $flag:ident $(($argument:literal))?)* ;
            )*
            $(retired { $($old:literal => $reason:literal;)+ })?
        }
    )+) => { $(
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                pub $field: $type,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default.into(),)* }
            }
        }

        impl $crate::setting::Table for $name {
            fn fields(&self) -> &'static [$crate::setting::Field] {
                const FIELDS: &[$crate::setting::Field] = &[
                    $($crate::setting::Field::new($key, &[$($doc),+])
                        $(.$flag($($argument)?))*,)*
                ];
                FIELDS
            }

            fn retired(&self) -> &'static [$crate::setting::Retired] {
                &[$($($crate::setting::Retired { key: $old, reason: $reason },)+)?]
            }

            fn settings(&self) -> Vec<&dyn $crate::setting::Setting> {
                vec![$(&self.$field,)*]
            }

            fn settings_mut(&mut self) -> Vec<&mut dyn $crate::setting::Setting> {
                vec![$(&mut self.$field,)*]
            }
        }

        impl $crate::setting::Setting for $name {
            fn zero() -> Self {
                Self { $($field: <$type as $crate::setting::Setting>::zero(),)* }
            }

            fn wanted(&self) -> &'static str {
                "a table"
            }

            fn read(
                &mut self,
                value: &toml::Spanned<toml::de::DeValue<'_>>,
                _field: &$crate::setting::Field,
                walk: &mut $crate::file::FileWalk<'_>,
            ) {
                $crate::setting::read_table(self, value, walk);
            }

            fn override_from(
                &mut self,
                name: &str,
                _field: &$crate::setting::Field,
                walk: &mut $crate::environment::EnvWalk<'_>,
            ) {
                walk.table(self, name);
            }

            fn fill(&mut self) {
                let default = Self::default();
                let fields = $crate::setting::Table::fields(self);
                let mut index = 0;
                $(
                    if fields[index].filled
                        && self.$field == <$type as $crate::setting::Setting>::zero()
                    {
                        self.$field = default.$field;
                    }
                    $crate::setting::Setting::fill(&mut self.$field);
                    index += 1;
                )*
                debug_assert_eq!(index, fields.len());
            }

            fn shape(&self) -> $crate::setting::Shape<'_> {
                $crate::setting::Shape::Table(self)
            }
        }
    )+ };
}
pub(crate) use tables;
