//! Responses, read naively and without the code under test.

#[derive(Clone, Debug)]
pub(crate) struct Response(String);

impl Response {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.starts_with("SIP/2.0 ") && text.contains("\r\n\r\n"), "{text:?}");
        Self(text)
    }

    pub(crate) fn status(&self) -> u16 {
        self.0[8..11].parse().unwrap()
    }

    /// The values of every header of this name, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let head = self.0.split("\r\n\r\n").next().unwrap();
        let headers = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        headers.filter(|(at, _)| at.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    /// The value of the one header of this name.
    pub(crate) fn header(&self, name: &str) -> &str {
        let values = self.all(name);
        assert_eq!(values.len(), 1, "{name} in {}", self.0);
        values[0]
    }

    /// The contacts, each with its parameters; the registrar writes each on a line of its own.
    pub(crate) fn contacts(&self) -> Vec<String> {
        assert!(matches!(self.status(), 200 | 302), "{}", self.0);
        self.all("Contact").into_iter().map(str::to_owned).collect()
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}
