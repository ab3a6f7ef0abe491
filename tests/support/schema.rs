//! docs/openapi.json, and whether what the program sends is what it says.
#![allow(dead_code)] // Each test program uses a part of this.

use std::fs;

use serde_json::Value;

/// What a schema may say that says nothing of the value.
const ANNOTATIONS: [&str; 3] = ["description", "default", "title"];

/// The description of what the program serves.
pub struct Description(pub Value);

impl Description {
    /// Reads the file.
    pub fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
        let text = fs::read_to_string(path).expect("docs/openapi.json is there");
        Self(serde_json::from_str(&text).expect("docs/openapi.json is JSON"))
    }

    /// The paths that it describes.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0["paths"].as_object().expect("paths").keys().map(String::as_str)
    }

    /// Checks what was sent in answer to a request for one of its paths, such as `/api/v1/hosts/{address}`.
    pub fn check(&self, path: &str, sent: &Value) {
        if let Some(error) = self.find(path, sent) {
            panic!("docs/openapi.json, {path}: {error}");
        }
    }

    /// What is not as described in such an answer.
    pub fn find(&self, path: &str, sent: &Value) -> Option<String> {
        let content = &self.0["paths"][path]["get"]["responses"]["200"]["content"];
        let schema = &content["application/json"]["schema"];
        assert!(schema.is_object(), "{path} is not described as JSON");
        self.validate(schema, sent).err()
    }

    /// An object, or what stands elsewhere in its place.
    pub fn resolved<'a>(&'a self, object: &'a Value) -> &'a Value {
        object["$ref"].as_str().map_or(object, |reference| self.resolve(reference))
    }

    /// What a `$ref` stands for.
    fn resolve(&self, reference: &str) -> &Value {
        let pointer = reference.strip_prefix('#').expect("references stay in the file");
        self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    /// The keywords of JSON Schema that the file uses. Any other is an error, so that none is passed over.
    fn validate(&self, schema: &Value, value: &Value) -> Result<(), String> {
        for (keyword, says) in schema.as_object().expect("a schema is an object") {
            let is_right = match keyword.as_str() {
                "$ref" => {
                    self.validate(self.resolve(says.as_str().expect("a text")), value)?;
                    true
                }
                "type" => is_of_type(value, says),
                "const" => value == says,
                "enum" => says.as_array().is_some_and(|values| values.contains(value)),
                "anyOf" => {
                    let results = says.as_array().expect("a list").iter();
                    let errors = results.map(|schema| self.validate(schema, value)).collect::<Vec<_>>();
                    // The last word of each tells which of them is meant.
                    if errors.iter().all(Result::is_err) {
                        return Err(format!("none of: {errors:?}"));
                    }
                    true
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.validate(says, item).map_err(|error| format!("[{index}]{error}"))?;
                    }
                    true
                }
                "properties" => {
                    for (name, field) in value.as_object().into_iter().flatten() {
                        let schema = says.get(name).ok_or_else(|| format!(".{name} is not described"))?;
                        self.validate(schema, field).map_err(|error| format!(".{name}{error}"))?;
                    }
                    true
                }
                "required" => {
                    let mut names = says.as_array().into_iter().flatten().filter_map(Value::as_str);
                    if let Some(name) = names.find(|name| value.get(name).is_none()) {
                        return Err(format!(".{name} is missing"));
                    }
                    true
                }
                "additionalProperties" => says == false,
                keyword => ANNOTATIONS.contains(&keyword),
            };
            if !is_right {
                return Err(format!(": {value} is not what {keyword}: {says} asks for"));
            }
        }
        Ok(())
    }

    /// Checks that every object names all of its fields, and says of each what it is.
    pub fn check_itself(&self) {
        for (name, schema) in self.0["components"]["schemas"].as_object().expect("schemas") {
            self.check_fields(name, schema);
        }
    }

    fn check_fields(&self, name: &str, schema: &Value) {
        if schema["type"] == "object" {
            assert_eq!(schema["additionalProperties"], false, "{name}");
        }
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            let name = format!("{name}.{field}");
            let words = [&schema["description"], &schema["items"]["description"]];
            let is_described = words.into_iter().any(Value::is_string);
            let refers = [&schema["$ref"], &schema["anyOf"], &schema["items"]["$ref"], &schema["properties"]];
            assert!(is_described || refers.into_iter().any(|other| !other.is_null()), "{name} says nothing");
            self.check_fields(&name, schema);
            self.check_fields(&name, &schema["items"]);
        }
    }
}

fn is_of_type(value: &Value, types: &Value) -> bool {
    let is = |name: &Value| match name.as_str().expect("a type's name") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    };
    types.as_array().map_or_else(|| is(types), |types| types.iter().any(is))
}
