//! What the examples need to get to AWS: the [tools](Tool) that check, build and run a deployment, in the versions that
//! this project relies on, and the [templates](Template) read as data. For tests; users install the tools of their choice.
//!
//! The tools are fetched into the target directory, once, by pip and npm. Python 3.11 with `venv`, and npm, have to be
//! there.
//!
//! ```no_run
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use deployment::{Template, Tool};
//!
//! let shopping = deployment::example("shopping");
//! let is_valid = Tool::Sam.command()?.args(["validate", "--lint"]).current_dir(&shopping).status()?.success();
//!
//! let template = Template::read(shopping.join("template.yaml"))?;
//! let api = template.function("ApiFunction")?;
//! let may_query = api.permissions()?.iter().any(|permission| permission.action == "dynamodb:Query");
//! # Ok(())
//! # }
//! ```

mod tool;

mod npm;
mod python;

mod build;

mod template;

mod error;

pub use self::{
    build::{Built, build, build_alike},
    error::Error,
    template::{Function, Mapping, Permission, Resource, Table, Template, TemplateError},
    tool::{Tool, example},
};
