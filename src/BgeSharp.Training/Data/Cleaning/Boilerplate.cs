// Lines that say nothing about the page they stand on: those that many documents of the source share word for word (the frame of a site), and those of a
// short list of patterns (skip links, share and edit links, copyright lines, breadcrumbs). Removed line by line; a document of nothing else is dropped.

using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace BgeSharp.Training.Data.Cleaning;

/// <summary>Takes boilerplate lines out of documents.</summary>
/// <param name="Counts">Line counts of the whole source; null leaves out the test for shared lines.</param>
/// <param name="Threshold">A line in this many documents or more is boilerplate.</param>
public sealed partial record Boilerplate(LineCounts? Counts, int Threshold)
{
    // Longer lines that repeat are texts that repeat (licences, clauses of laws): whether to keep those is a question for duplicate detection.
    private const int LongestShared = 120;

    /// <summary>Threshold for a source: 2 % of its documents, at least 20.</summary>
    public static int ThresholdFor(long documents) => (int)Math.Clamp(documents / 50, 20, int.MaxValue);

    /// <summary>The document without boilerplate lines, null when nothing is left; the same object when there were none.</summary>
    /// <param name="document">As read.</param>
    /// <param name="removed">Number of lines taken out.</param>
    public Document? Clean(Document document, out int removed)
    {
        removed = 0;
        Section[]? sections = null;
        for (int i = 0; i < document.Sections.Count; i++)
        {
            Section section = document.Sections[i];
            if (Without(section.Text) is (string text, int count))
            {
                removed += count;
                sections ??= [.. document.Sections];
                sections[i] = section with { Text = text };
            }
        }
        if (sections is null)
        {
            return document;
        }
        return Array.Exists(sections, s => s.Text.Length > 0) ? document with { Sections = [.. sections.Where(s => s.Heading.Length > 0 || s.Text.Length > 0)] } : null;
    }

    /// <summary>Whether a line is boilerplate.</summary>
    public bool IsBoilerplate(ReadOnlySpan<char> line) =>
        line.Length > 0 && ((Counts is not null && line.Length <= LongestShared && Counts.Of(Hash(line)) >= Threshold) || (line.Length <= 400 && Pattern().IsMatch(line)));

    internal static IEnumerable<ulong> LineHashes(Document document)
    {
        foreach (Section section in document.Sections)
        {
            for (int start = 0; start < section.Text.Length;)
            {
                int length = section.Text.AsSpan(start).IndexOf('\n') is int found and >= 0 ? found : section.Text.Length - start;
                if (length is > 0 and <= LongestShared)
                {
                    yield return Hash(section.Text.AsSpan(start, length));
                }
                start += length + 1;
            }
        }
    }

    private (string Text, int Removed)? Without(string text)
    {
        int removed = 0;
        System.Text.StringBuilder? kept = null;
        for (int start = 0; start < text.Length;)
        {
            int length = text.AsSpan(start).IndexOf('\n') is int found and >= 0 ? found : text.Length - start;
            ReadOnlySpan<char> line = text.AsSpan(start, length);
            bool drop = IsBoilerplate(line);
            if (drop && removed++ == 0)
            {
                kept = new System.Text.StringBuilder(text.Length).Append(text.AsSpan(0, Math.Max(0, start - 1)));
            }
            else if (!drop && kept is not null)
            {
                kept.Append(kept.Length > 0 ? "\n" : "").Append(line);
            }
            start += length + 1;
        }
        return removed == 0 ? null : (kept!.ToString(), removed);
    }

    private static ulong Hash(ReadOnlySpan<char> line) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(line));

    [GeneratedRegex(@"^\W*(?:(?:skip|jump) to (?:main |the )?content|(?:edit|view|improve) (?:this page|on github|source)(?: on \w+)?|(?:share|tweet|print|like) this(?: page| article)?|back to top|table of contents|previous(?: page)?\W+next(?: page)?|all rights reserved\W*|(?:copyright|©|\(c\)) .{0,80}(?:all rights reserved|\d{4}).{0,80}|last (?:updated|modified)\W.{0,60}|cookie (?:policy|settings)|(?:返回|回到)(?:顶部|首页|目录)|上一(?:页|篇|节|章)\W+下一(?:页|篇|节|章).{0,40}|(?:跳转|跳到)(?:到|至)?(?:主要)?内容|(?:在 ?github ?上)?编辑(?:此|本)页|版权所有.{0,80}|(?:分享|转发)(?:到|至|本文).{0,30}|最后(?:更新|修改)(?:于|时间)?\W.{0,40}|(?:page_)?authors?\s*[:：].{1,380}|(?:作者|译者|校对|编译|选题|via)\s*[:：].{1,80}|english version|中文(?:版|文档))\W*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
