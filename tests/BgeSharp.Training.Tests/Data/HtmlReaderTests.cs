using System.Text;
using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Readers;
using CsCheck;
using Document = BgeSharp.Training.Data.Document;

namespace BgeSharp.Training.Tests.Data;

public class HtmlReaderTests
{
    private static Document Read(string page)
    {
        using var folder = new TemporaryFolder();
        return Assert.Single(DocumentReader.Read(folder.Write("页.html", page)));
    }

    [Fact]
    public void Only_the_main_content_is_read()
    {
        Document page = Read("""
            <!doctype html><html lang="zh-CN"><head><title>站名 - 页</title><meta name="description" content="摘要。"></head><body>
            <nav>菜单</nav><div>框架</div>
            <main><h1>倍增法</h1><p>第一段<b>粗体</b>，<code>f(x)</code>。<br>换行。</p><script>x()</script><pre>code</pre>
            <h2>性质<a class="headerlink">¶</a></h2><ul><li>甲</li><li>乙</li></ul><footer>脚注</footer><div hidden>藏</div></main>
            <footer>版权</footer></body></html>
            """);
        Assert.Equal("倍增法", page.Title);
        Assert.Equal("zh-CN", page.Language);
        Assert.Equal("摘要。", page.Summary);
        Assert.Equal([new Section(0, "", "第一段粗体，f(x)。\n换行。"), new Section(2, "性质", "甲\n乙")], page.Sections);
    }

    [Fact]
    public void Without_main_the_body_is_read_and_its_title_taken_from_the_head()
    {
        Document page = Read("<title>页名</title><body><div role=navigation>菜单</div><p>正文。</p>");
        Assert.Equal("页名", page.Title);
        Assert.Equal("正文。", page.Body);
    }

    [Fact]
    public void A_row_of_a_table_is_one_line()
    {
        Assert.Equal("列名 说明\nid 主键 自增", Read("<table><tr><th>列名</th><th>说明</th></tr><tr><td>id</td><td><p>主键</p><p>自增</p></td></tr></table>").Body);
    }

    [Fact]
    public void A_page_nested_deeper_than_a_stack_is_read()
    {
        string deep = string.Concat(Enumerable.Repeat("<span>", 20_000));
        Assert.Equal("底。", Read($"<p>{deep}底。").Body);
    }

    [Fact]
    public void Paragraphs_and_rows_are_those_of_the_plain_way()
    {
        string[] parts = ["<div>", "</div>", "<span>", "</span>", "<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>", "<p>", "<br>", "<b>", "</b>", "甲", "乙 ", " b "];
        Gen.Int[0, parts.Length - 1].Array[0, 30].Select(chosen => string.Concat(chosen.Select(i => parts[i])))
            .Sample(html => (HtmlReader.Parse(html, "a", "a.html")?.Body ?? "") == PlainWay(html), iter: 3000);
    }

    // By recursion, and with a look at all elements around each.
    private static string PlainWay(string html)
    {
        var text = new StringBuilder();
        var paragraphs = new List<string>();
        Walk(new HtmlParser().ParseDocument(html).Body!);
        Flush();
        return string.Join('\n', paragraphs.Where(p => p.Length > 0));

        void Walk(INode parent)
        {
            foreach (INode node in parent.ChildNodes)
            {
                text.Append((node as IText)?.Data);
                if (node is IElement element)
                {
                    Break(element);
                    if (element.HasChildNodes)
                    {
                        Walk(element);
                        Break(element);
                    }
                }
            }
        }

        void Break(IElement element)
        {
            if (element.LocalName is "td")
            {
                text.Append(' ');
            }
            else if (element.LocalName is "tr" || (element.LocalName is not ("b" or "span") && element.Closest("tr") is null))
            {
                Flush();
            }
            else if (element.LocalName is not ("b" or "span"))
            {
                text.Append(' ');
            }
        }

        void Flush()
        {
            paragraphs.Add(PageText.SingleSpaced(text.ToString()));
            text.Clear();
        }
    }
}
