// Files that are wrong by misfortune or on purpose. Each of these once took for ever, took all memory, ended in a stack trace or was taken for something else.

using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Miners;
using BgeSharp.Training.Data.Readers;
using CsCheck;

namespace BgeSharp.Training.Tests.Data.Readers;

public class HostileFileTests
{
    private static string Error(string path) => Assert.Throws<BadInput>(() => DocumentReader.Read(path).ToList()).Message;

    private static UnitContent[] Units(string path) => [.. new DocumentUnits(path, "auto", null, skipBad: true).From(default).Select(u => u.Parse())];

    [Fact]
    public void A_line_that_begins_like_a_note_and_goes_on_as_a_sentence_is_text()
    {
        using var folder = new TemporaryFolder();
        string sentence = "!!! note This page was written for an older version" + string.Concat(Enumerable.Repeat(" and for the one after that", 500)) + "; see below";
        Assert.Equal(sentence + "\n正文。", Assert.Single(DocumentReader.Read(folder.Write("a.md", sentence + "\n\n正文。\n"))).Body);
    }

    [Fact]
    public void An_anchor_after_a_heading_is_found_as_a_pattern_finds_it()
    {
        var anchor = new Regex(@"\s*\{[#:][^}]*\}\s*$");
        Gen.Char["{{{###}}}: ab\n"].Array[0, 14].Select(c => new string(c)).Sample(heading => MarkdownReader.WithoutAnchor(heading) == anchor.Replace(heading, ""), iter: 20_000);
        string wide = "a" + new string(' ', 2_000_000) + "b";
        Assert.Same(wide, MarkdownReader.WithoutAnchor(wide));
    }

    [Fact]
    public void A_comment_of_very_many_stars_is_read()
    {
        string code = "/* Sorts a list of numbers in place\n   by" + new string('*', 1_000_000) + "way */\nvoid sort(std::vector<int>& numbers) { std::sort(numbers); }";
        var document = new Document("a", "en", "", [new Section(0, "", "Text.")], "a") { Code = [new CodeBlock("cpp", code, "")] };
        TrainingExample pair = Assert.Single(new CodeCommentMiner(new MiningOptions()).Mine(document));
        Assert.StartsWith("Sorts a list of numbers in place by**", pair.Query, StringComparison.Ordinal);
        Assert.StartsWith("void sort", pair.Positives[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_field_whose_name_is_no_text_makes_its_line_wrong()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.jsonl", """
            {"\ud83d":1,"text":"第一行的文字。"}
            {"\ud83d\ude00":1,"text":"第二行的文字。"}
            {"sections":[{"\uDC00":0,"text":"第三行的文字。"}]}
            {"a\\ud83d":"\ud83d","text":"第四行的文字。"}
            """);
        UnitContent[] units = Units(path);
        Assert.Equal(["a.jsonl:2", "a.jsonl:4"], units.SelectMany(u => u.Documents).Select(d => d.Id));
        Assert.Equal([":1: a field's name", ":3: a field's name"], units.SelectMany(u => u.Problems).Select(p => p[path.Length..][..":1: a field's name".Length]));
        Assert.StartsWith(path + ":1: a field's name has a lone surrogate in it", Error(path), StringComparison.Ordinal);
        byte[] bytes = [.. "{\""u8, 0xD6, .. "\":1,\"text\":\"x\"}"u8];
        var named = new Dictionary<string, string> { ["title"] = "headline" };
        Assert.Contains("b.jsonl:1: not UTF-8", Assert.Throws<BadInput>(() => DocumentReader.Read(folder.Write("b.jsonl", bytes), "auto", named).ToList()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_of_a_table_has_a_bounded_number_of_fields_and_characters()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("a.csv:2: the row has more than 100,000 fields", Error(folder.Write("a.csv", "id,text\n" + new string(',', 300_000) + "\n")), StringComparison.Ordinal);
        string path = folder.Path + "/b.csv";
        using (FileStream file = File.Create(path))
        {
            file.Write("id,text\n"u8);
            file.SetLength(40 << 20); // holes take no disk
            file.Seek(0, SeekOrigin.End);
            file.Write(","u8);
            file.SetLength(80 << 20);
        }
        Assert.Contains("b.csv:2: the row has more than 64 Mi characters", Error(path), StringComparison.Ordinal);
    }

    [Fact]
    public void Sentences_about_wrong_rows_come_with_the_rows_around_them_and_once()
    {
        using var folder = new TemporaryFolder();
        static string Wrong(int from, int count) => string.Concat(Enumerable.Range(from, count).Select(i => $"{i},a,b\n"));
        var corpus = new DocumentUnits(folder.Write("a.csv", "id,text\n" + Wrong(0, 2000) + "x,好的一行。\n" + Wrong(3000, 700)), "auto", null, skipBad: true);
        DocumentUnit[] units = [.. corpus.From(default)];
        UnitContent[] contents = [.. units.Select(u => u.Parse())];
        Assert.All(contents, c => Assert.InRange(c.Problems.Count, 0, 256));
        string[] problems = [.. contents.SelectMany(c => c.Problems)];
        Assert.Equal(2700, problems.Distinct().Count());
        Assert.Single(contents.SelectMany(c => c.Documents));
        int told = 0;
        for (int i = 0; i < units.Length; i++)
        {
            told += contents[i].Problems.Count;
            Assert.Equal(problems[told..], corpus.From(units[i].After).SelectMany(u => u.Parse().Problems));
        }
    }

    [Fact]
    public void Rows_before_the_damage_of_a_table_stay()
    {
        using var folder = new TemporaryFolder();
        UnitContent[] units = Units(folder.Write("a.csv", "id,text\n" + string.Concat(Enumerable.Range(0, 100).Select(i => $"{i},第{i}行。\n")) + "x,\"没有完"));
        Assert.Equal(100, units.Sum(u => u.Documents.Count));
        Assert.Contains("a.csv:102: a quoted field is not closed", Assert.Single(units.SelectMany(u => u.Problems)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_nested_too_deeply_is_a_sentence()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.html", string.Concat(Enumerable.Repeat("<div>", 100_000)) + "底。");
        Assert.Contains("a.html: elements are nested too deeply", Error(path), StringComparison.Ordinal);
        Assert.Contains("a.html: elements are nested too deeply", Assert.Single(Units(path).SelectMany(u => u.Problems)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_with_very_many_elements_side_by_side_is_read()
    {
        using var folder = new TemporaryFolder();
        string page = string.Concat(Enumerable.Range(0, 200_000).Select(i => $"<p>第{i}段。<div><b>又</b>一段。</div>"));
        string[] lines = Assert.Single(DocumentReader.Read(folder.Write("a.html", page))).Body.Split('\n');
        Assert.Equal(400_000, lines.Length);
        Assert.Equal(("第199999段。", "又一段。"), (lines[^2], lines[^1]));
    }

    [Fact]
    public void A_gzip_file_whose_last_bytes_look_like_a_small_size_is_not_whole()
    {
        Assert.True(AppContext.TryGetSwitch("System.IO.Compression.UseStrictValidation", out bool strict) && strict); // Directory.Build.props
        using var folder = new TemporaryFolder();
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.NoCompression, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes(new string('a', 100_000) + new string('\0', 8) + new string('b', 100_000)));
        }
        byte[] whole = packed.ToArray(), first = TemporaryFolder.Gzip("first");
        byte[] cut = whole[..(whole.AsSpan().LastIndexOf((ReadOnlySpan<byte>)new byte[8]) + 8)];
        Assert.InRange(cut.Length, 100_000, 101_000);
        long Read(params byte[][] members)
        {
            using Stream text = WholeGzipStream.OpenText(folder.Write("a.txt.gz", [.. members.SelectMany(m => m)]));
            using var all = new MemoryStream();
            text.CopyTo(all);
            return all.Length;
        }
        Assert.Contains("not a whole gzip file", Assert.Throws<InvalidDataException>(() => Read(cut)).Message, StringComparison.Ordinal);
        Assert.Contains("not a whole gzip file", Assert.Throws<InvalidDataException>(() => Read(first, cut)).Message, StringComparison.Ordinal);
        Assert.Equal((200_008L, 200_013L, 400_016L, 200_008L), (Read(whole), Read(first, whole), Read(whole, whole), Read(whole, new byte[512])));
    }
}
