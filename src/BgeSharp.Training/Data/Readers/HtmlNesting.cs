// AngleSharp looks through all open elements at nearly every start tag, so a small file of nothing but <div> would take it hours. What is open is counted from
// the tokens of the parser itself, about: an element that ends without an end tag is not counted as open. Pages with few tags pass without being counted.

using System.Runtime.InteropServices;
using AngleSharp.Html.Parser;
using AngleSharp.Html.Parser.Tokens;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Stops the parsing of a page whose nesting would take too long.</summary>
internal sealed class HtmlNesting
{
    // Open elements, added up over all start tags. 20,000 div in each other make 200 million.
    private const long MostSteps = 500_000_000;

    private static readonly HashSet<string> NeverOpen = ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
        "a", "body", "caption", "colgroup", "dd", "dt", "head", "html", "li", "optgroup", "option", "p", "rb", "rp", "rt", "rtc", "tbody", "td", "tfoot", "th", "thead", "tr"];

    private readonly string _path;
    private readonly Stack<string> _open = new();
    private readonly Dictionary<string, int> _counts = [];
    private long _steps;

    private HtmlNesting(string path) => _path = path;

    /// <summary>Options for parsing a page: with them the parser throws <see cref="BadInput"/> when the page is nested too deeply.</summary>
    public static HtmlParserOptions Watch(string html, string path)
    {
        long tags = html.AsSpan().Count('<');
        if (tags * tags / 2 <= MostSteps)
        {
            return default;
        }
        var nesting = new HtmlNesting(path);
        return new HtmlParserOptions { OnToken = (token, _) => nesting.See(token) };
    }

    private void See(HtmlToken token)
    {
        if (token.Type == HtmlTokenType.StartTag)
        {
            _steps += _open.Count;
            bool closed = token is HtmlTagToken { IsSelfClosing: true } && (IsOpen("svg") || IsOpen("math"));
            if (!closed && !NeverOpen.Contains(token.Name))
            {
                _open.Push(token.Name);
                CollectionsMarshal.GetValueRefOrAddDefault(_counts, token.Name, out _)++;
            }
            if (_steps > MostSteps)
            {
                throw new BadInput($"{_path}: elements are nested too deeply to be a page; leave the file out.");
            }
        }
        else if (token.Type == HtmlTokenType.EndTag && IsOpen(token.Name))
        {
            string ended;
            do
            {
                ended = _open.Pop();
                _counts[ended]--;
            }
            while (ended != token.Name);
        }
    }

    private bool IsOpen(string name) => _counts.GetValueOrDefault(name) > 0;
}
