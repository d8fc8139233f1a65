//! The kinds of messages about codes, under the names that HL7's validator gives them.

use crate::finding::Message;

macro_rules! messages {
    ($($name:ident = $id:literal, $code:literal, $text:literal;)*) => {
        $(pub(super) static $name: Message = Message::new($id, $code, $text);)*
    };
}

messages! {
    NO_SYSTEM = "Terminology_TX_System_NoCode", "code-invalid", "The code `{0}` has no system, so nobody can know what it means: give one";
    NO_SYSTEM_IN_CONCEPT = "Coding_has_no_system__cannot_validate", "invalid", "The coding with the code `{0}` has no system, so nobody can know what it means: give one";
    SYSTEM_IS_SET = "Terminology_TX_System_ValueSet", "invalid", "`{0}` is a value set, not a code system";
    SYSTEM_INVALID = "Terminology_TX_System_Invalid", "code-invalid", "`{0}` is no code system; `{1}` may be meant";
    UNKNOWN_SYSTEM = "UNKNOWN_CODESYSTEM", "not-found", "The code system `{0}` is in none of the loaded packages, so its codes are not checked";
    NOT_CHECKED = "Terminology_TX_Svc_None", "informational", "`{0}` needs a terminology server: the code `{1}` is not checked";
    SERVER_SILENT = "Terminology_TX_Error", "transient", "The terminology server gave no answer about `{0}`, which is not checked: {1}";
    UNKNOWN_CODE = "Unknown_Code_in", "code-invalid", "`{0}` is no code of `{1}`{2}";
    UNKNOWN_IN_PART = "UNKNOWN_CODE_IN_FRAGMENT", "code-invalid", "`{0}` is not among the codes of `{1}` that are here; only a part of it is, so it may be a code all the same";
    INACTIVE = "INACTIVE_CONCEPT_FOUND", "business-rule", "The code `{0}` of `{1}` is not to be used any more";
    DRAFT = "MSG_DRAFT", "business-rule", "The code system {0} is a draft";
    DISPLAY = "Display_Name_for__should_be_one_of__instead_of", "invalid", "The display `{0}` is none of `{1}` of `{2}`; its own is `{3}`";
    NO_DISPLAY = "NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_ERR", "invalid", "The display `{0}` cannot be right: the code `{1}` of `{2}` has none";
    NO_CODE = "Terminology_TX_Code_ValueSet", "code-invalid", "There is no code, and one of the value set {0} is required";
    NO_CODE_EXTENSIBLE = "Terminology_TX_Code_ValueSet_Ext", "code-invalid", "There is no code, and one of the value set {0} should be there if any fits";
    NOT_INFERRED = "UNABLE_TO_INFER_CODESYSTEM", "not-found", "No code system of the value set {1} has the code `{0}`";
    CODE_REQUIRED = "Terminology_TX_NoValid_16", "code-invalid", "`{0}` is not in the value set {1}, from which a code is required";
    CODE_EXTENSIBLE = "Terminology_TX_NoValid_17", "code-invalid", "`{0}` is not in the value set {1}, from which a code should come if any fits";
    CODE_PREFERRED = "Terminology_TX_NoValid_18", "code-invalid", "`{0}` is not in the value set {1}, from which a code is recommended";
    CODING_REQUIRED = "Terminology_TX_NoValid_4", "code-invalid", "`{0}` is not in the value set {1}, from which a code is required";
    CODING_EXTENSIBLE = "Terminology_TX_NoValid_5", "code-invalid", "`{0}` is not in the value set {1}, from which a code should come if any fits";
    CODING_PREFERRED = "Terminology_TX_NoValid_6", "code-invalid", "`{0}` is not in the value set {1}, from which a code is recommended";
    CONCEPT_REQUIRED = "Terminology_TX_NoValid_1_CC", "code-invalid", "None of the codings ({0}) is in the value set {1}, from which one is required";
    CONCEPT_EXTENSIBLE = "Terminology_TX_NoValid_2_CC", "code-invalid", "None of the codings ({0}) is in the value set {1}, from which one should come if any fits";
    CONCEPT_PREFERRED = "Terminology_TX_NoValid_3_CC", "code-invalid", "None of the codings ({0}) is in the value set {1}, from which one is recommended";
    BEYOND_MAX = "Terminology_TX_NoValid_7", "code-invalid", "`{0}` is not in the value set {1}, which no code may leave";
    UNDECIDED_REQUIRED = "Terminology_TX_Confirm_1_CC", "code-invalid", "Whether `{0}` is in the value set {1}, from which a code is required, is not checked: {2}";
    UNDECIDED_EXTENSIBLE = "Terminology_TX_Confirm_2_CC", "code-invalid", "Whether `{0}` is in the value set {1}, from which a code should come, is not checked: {2}";
    UNDECIDED_PREFERRED = "Terminology_TX_Confirm_3_CC", "code-invalid", "Whether `{0}` is in the value set {1}, from which a code is recommended, is not checked: {2}";
    SET_NOT_FOUND = "Terminology_TX_ValueSet_NotFound", "code-invalid", "The value set {0} is in none of the loaded packages, so `{1}` is not checked against it";
}
