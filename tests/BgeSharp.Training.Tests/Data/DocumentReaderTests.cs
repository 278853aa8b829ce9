using System.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Readers;

namespace BgeSharp.Training.Tests.Data;

public class DocumentReaderTests
{
    private static string Error(string path, string format = "auto", Dictionary<string, string>? fields = null) =>
        Assert.Throws<BadInput>(() => DocumentReader.Read(path, format, fields).ToList()).Message;

    [Fact]
    public void A_folder_is_read_in_ordinal_order_with_all_its_folders()
    {
        using var folder = new TemporaryFolder();
        folder.Write("b.md", "乙。");
        folder.Write("a/z.html", "<p>丙。");
        folder.Write("B.txt", "甲。");
        folder.Write("c.jsonl", "{\"text\":\"丁。\"}\n\n{\"text\":\"戊。\"}");
        folder.Write("picture.png", [1, 2, 3]);
        folder.Write(".git/x.md", "藏。");
        Assert.Equal(["B.txt", "a/z.html", "b.md", "c.jsonl:1", "c.jsonl:3"], DocumentReader.Read(folder.Path).Select(d => d.Id));
        Assert.Equal(["b.md"], DocumentReader.Read(folder.Path, "markdown").Select(d => d.Id));
    }

    [Fact]
    public void Globs_stay_in_a_folder_with_one_star_and_span_folders_with_two()
    {
        using var folder = new TemporaryFolder();
        folder.Write("docs/a.md", "一。");
        folder.Write("docs/sub/b.md", "二。");
        folder.Write("docs/sub/c.txt", "三。");
        Assert.Equal(["a.md"], DocumentReader.Read(folder.Path + "/docs/*.md").Select(d => d.Id));
        Assert.Equal(["docs/a.md", "docs/sub/b.md"], DocumentReader.Read(folder.Path + "/**/*.md").Select(d => d.Id));
        Assert.Equal(["sub/b.md", "sub/c.txt"], DocumentReader.Read(folder.Path + "/docs/sub/?.*").Select(d => "sub/" + d.Id));
    }

    [Fact]
    public void Packed_files_and_byte_order_marks_are_read()
    {
        using var folder = new TemporaryFolder();
        string packed = folder.Write("a.jsonl.gz", TemporaryFolder.Gzip("\ufeff{\"id\":7,\"text\":\"正文。\"}\r\n"));
        Assert.Equal("7", Assert.Single(DocumentReader.Read(packed)).Id);
        Assert.Equal("正文。", Assert.Single(DocumentReader.Read(folder.Write("b.md.gz", TemporaryFolder.Gzip("\ufeff正文。")))).Body);
    }

    [Fact]
    public void A_cut_off_gzip_file_is_named()
    {
        using var folder = new TemporaryFolder();
        byte[] whole = TemporaryFolder.Gzip(string.Concat(Enumerable.Range(0, 5000).Select(i => $"{{\"text\":\"第{i}行{i * 7919 % 1000}。\"}}\n")));
        Assert.Contains("not a whole gzip file", Error(folder.Write("a.txt.gz", whole[..(whole.Length / 2)])), StringComparison.Ordinal);
        Assert.Contains("a.jsonl.gz:", Error(folder.Write("a.jsonl.gz", whole[..(whole.Length / 2)])), StringComparison.Ordinal);
        Assert.Contains("not a whole gzip file", Error(folder.Write("c.txt.gz", whole[..^1])), StringComparison.Ordinal);
        Assert.Contains("not a whole gzip file", Error(folder.Write("b.jsonl.gz", "not gzip")), StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_not_utf8_are_named_with_their_line()
    {
        using var folder = new TemporaryFolder();
        byte[] gbk = [.. "第一行\n第二行\n"u8, 0xD6, 0xD0, 0xCE, 0xC4, (byte)'\n'];
        foreach (string name in (string[])["a.txt", "a.md", "a.html"])
        {
            Assert.Contains($"{name}:3: not UTF-8", Error(folder.Write(name, gbk)), StringComparison.Ordinal);
        }
        Assert.Contains("a.jsonl:2: not UTF-8", Error(folder.Write("a.jsonl", [.. "{\"text\":\"好。\"}\n{\"text\":\""u8, 0xD6, 0xD0, .. "\"}"u8])), StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_read_is_a_sentence_that_says_what_to_do()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("no such file or folder", Error(folder.Path + "/none"), StringComparison.Ordinal);
        Assert.Contains("no documents here", Error(folder.Path), StringComparison.Ordinal);
        Assert.Contains("does not tell the format", Error(folder.Write("a.doc", "x")), StringComparison.Ordinal);
        Assert.Contains("format \"md\" is not known", Error(folder.Path, "md"), StringComparison.Ordinal);
        Assert.Contains("none holds text", Error(folder.Write("empty.md", "")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_format_that_is_named_reads_any_extension()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal("标题", Assert.Single(DocumentReader.Read(folder.Write("README", "# 标题\n\n正文。"), "markdown")).Title);
    }

    [Fact]
    public void Plain_text_has_its_title_in_a_short_first_line_of_its_own()
    {
        using var folder = new TemporaryFolder();
        Document titled = Assert.Single(DocumentReader.Read(folder.Write("a.txt", "曹刿论战\n\n鲁国的军队与齐国交战。\n公与之乘。\n")));
        Assert.Equal(("曹刿论战", "鲁国的军队与齐国交战。\n公与之乘。"), (titled.Title, titled.Body));
        Assert.Equal("", Assert.Single(DocumentReader.Read(folder.Write("b.txt", "只是一句话。\n\n又是一句。"))).Title);
    }

    [Fact]
    public void A_book_of_plain_text_comes_in_parts_of_one_group()
    {
        using var folder = new TemporaryFolder();
        var book = new StringBuilder("书名\n\n");
        for (int i = 0; i < 24_000; i++)
        {
            book.Append("这一行有五十个字左右，用来把一本书写得足够长，好让它分成几个部分来读，不会占用太多内存。第").Append(i).Append("行\n");
        }
        List<Document> parts = [.. DocumentReader.Read(folder.Write("书.txt", book.ToString()))];
        Assert.Equal(["书.txt", "书.txt#2"], parts.Select(p => p.Id));
        Assert.All(parts, p => Assert.Equal(("书.txt", "书名"), (p.Group, p.Title)));
        Assert.Equal(24_000, parts.Sum(p => p.Body.Split('\n').Length));
    }
}
