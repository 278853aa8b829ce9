// What readers give and miners take.

namespace BgeSharp.Training.Data;

/// <summary>A part of a document under one heading.</summary>
/// <param name="Level">Depth of the heading, 1 the highest; 0 for text before the first heading.</param>
/// <param name="Heading">The heading without markup; empty for text before the first heading.</param>
/// <param name="Text">Plain text under the heading, code and markup removed, paragraphs separated by newlines.</param>
public sealed record Section(int Level, string Heading, string Text);

/// <summary>A link from one document to another.</summary>
/// <param name="Text">What the reader sees.</param>
/// <param name="Target">Where it leads, as written: relative path, absolute path or address.</param>
public sealed record Link(string Text, string Target);

/// <summary>A block of code and what introduces it.</summary>
/// <param name="Language">As the block says ("cpp"); empty when it does not.</param>
/// <param name="Text">The code.</param>
/// <param name="Lead">The paragraph before it in the same section; empty when there is none.</param>
public sealed record CodeBlock(string Language, string Text, string Lead);

/// <summary>One document of a corpus.</summary>
/// <param name="Id">Unique within its source.</param>
/// <param name="Language">BCP 47 tag such as "zh" or "en"; "und" when not known. Any spelling is taken ("zh_cn"), one is kept ("zh-CN").</param>
/// <param name="Title">Plain text; empty when the document has none.</param>
/// <param name="Sections">In reading order; at least one for a document with text.</param>
/// <param name="Group">Documents with one group (a page in all its languages) stay on one side of a train / held-out split; the id when alone.</param>
/// <param name="Summary">Abstract or description when the source has one.</param>
public sealed record Document(string Id, string Language, string Title, IReadOnlyList<Section> Sections, string Group, string? Summary = null)
{
    /// <summary>BCP 47 tag in the usual spelling; "und" when not known.</summary>
    public string Language { get; init => field = LanguageTag.Normalized(value); } = LanguageTag.Normalized(Language);

    /// <summary>The title in another language, when the source has it; null else.</summary>
    public string? TranslatedTitle { get; init; }

    /// <summary>Links in the text, in reading order.</summary>
    public IReadOnlyList<Link> Links { get; init; } = [];

    /// <summary>Code blocks, in reading order; they are no part of the sections.</summary>
    public IReadOnlyList<CodeBlock> Code { get; init; } = [];

    /// <summary>The whole text: headings and sections, one paragraph a line.</summary>
    public string Body => string.Join('\n', Sections.Select(s => s.Heading.Length == 0 ? s.Text : s.Text.Length == 0 ? s.Heading : s.Heading + "\n" + s.Text));
}
