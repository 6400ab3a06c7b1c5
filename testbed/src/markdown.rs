//! [`ShellBlock`]: the commands that the documentation tells people to type. A test runs each of them; the tests of this crate
//! see to it that none is left out.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A block of shell commands in a Markdown file of this workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellBlock {
    /// The file, from the folder of the workspace on: `docs/deploy.md`.
    pub file: String,
    /// The line of the file that the first command is in.
    pub line: usize,
    /// The commands.
    pub text: String,
}

/// The folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of the workspace").to_owned()
}

impl ShellBlock {
    /// All of them, file by file.
    ///
    /// # Panics
    ///
    /// When a file cannot be read, or a block does not end.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut files = Vec::new();
        find(&workspace(), &mut files);
        files.sort();
        files.iter().flat_map(|file| Self::of(file)).collect()
    }

    /// The only block of a file that begins with this.
    ///
    /// # Panics
    ///
    /// When there is none, or more than one.
    #[must_use]
    pub fn find(file: &str, beginning: &str) -> String {
        let blocks = Self::of(&workspace().join(file)).into_iter();
        let mut found: Vec<_> = blocks.filter(|block| block.text.starts_with(beginning)).collect();
        assert_eq!(found.len(), 1, "blocks of {file} that begin with {beginning:?}: {found:?}");
        found.remove(0).text
    }

    fn of(path: &Path) -> Vec<Self> {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file = path.strip_prefix(workspace()).expect("a file of the workspace").display().to_string();
        let mut blocks = Vec::new();
        let mut lines = text.lines().enumerate();
        while let Some((opened, line)) = lines.next() {
            let fence: String = line.trim_start().chars().take_while(|char| *char == '`').collect();
            if fence.len() < 3 {
                continue;
            }
            let language = line.trim_start()[fence.len()..].trim();
            let mut block = String::new();
            loop {
                let (_, line) =
                    lines.next().unwrap_or_else(|| panic!("{file}:{}: it does not end", opened + 1));
                if line.trim() == fence {
                    break;
                }
                block += line;
                block.push('\n');
            }
            if ["sh", "bash", "shell", "console"].contains(&language) {
                blocks.push(Self { file: file.clone(), line: opened + 2, text: block });
            }
        }
        blocks
    }
}

/// The Markdown files in a folder, except for what tools have put there.
fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
            find(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
}
