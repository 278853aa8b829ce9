// Bars of a histogram as inline SVG, by hand for the reasons at LineChart: no native renderer, colours that follow the reader's theme.

using System.Globalization;
using System.Net;
using System.Text;

namespace BgeSharp.Cli.Reports;

/// <summary>Draws counts in bins.</summary>
/// <param name="Label">What it shows, for readers who cannot see it.</param>
/// <param name="Edges">Lower edges of the bins; the last bin is open.</param>
/// <param name="Counts">Count of each bin.</param>
internal sealed record LengthHistogram(string Label, IReadOnlyList<int> Edges, IReadOnlyList<long> Counts)
{
    private const int Width = 340, Height = 150, Left = 8, Bottom = 22, Top = 8;

    /// <summary>The SVG element; empty bins at both ends are left out.</summary>
    public string ToSvg()
    {
        int first = 0, last = Counts.Count - 1;
        while (first < last && Counts[first] == 0)
        {
            first++;
        }
        while (last > first && Counts[last] == 0)
        {
            last--;
        }
        double step = (double)(Width - (2 * Left)) / (last - first + 1), most = Math.Max(1, Counts.Max());
        var svg = new StringBuilder();
        Append(svg, $"<svg class=\"chart hist c0\" viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(Label)}\">");
        for (int i = first; i <= last; i++)
        {
            double x = Left + ((i - first) * step), height = Counts[i] / most * (Height - Bottom - Top);
            string to = i + 1 < Edges.Count ? (Edges[i + 1] - 1).ToString(CultureInfo.InvariantCulture) : "";
            Append(svg, $"<rect x=\"{x + 0.5:0.#}\" y=\"{Height - Bottom - height:0.#}\" width=\"{Math.Max(1, step - 1):0.#}\" height=\"{height:0.#}\"><title>{Edges[i]} to {to}: {Counts[i]}</title></rect>");
            if ((i - first) % Math.Max(1, (last - first + 1) / 6) == 0)
            {
                Append(svg, $"<text x=\"{x:0.#}\" y=\"{Height - 7}\">{Edges[i]}</text>");
            }
        }
        return svg.Append("</svg>").ToString();
    }

    private static void Append(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture));
}
