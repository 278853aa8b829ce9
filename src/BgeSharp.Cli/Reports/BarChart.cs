// Bars by name, a bar for each series, lying so that names have room: languages, sets. With whiskers for intervals. Inline SVG in the colours of the page.

using System.Globalization;
using System.Net;
using System.Text;
using BgeSharp.Evaluation.Significance;

namespace BgeSharp.Cli.Reports;

/// <summary>Values of one series, one a name; null where there is none.</summary>
/// <param name="Name">Shown in the legend.</param>
/// <param name="Values">Between 0 and 1.</param>
/// <param name="Intervals">Ends of whiskers; null for none.</param>
internal sealed record BarSeries(string Name, IReadOnlyList<double?> Values, IReadOnlyList<Interval?> Intervals);

/// <summary>Draws bars.</summary>
internal sealed record BarChart
{
    private const int Right = 46, Thick = 11, Gap = 9, Top = 6, Bottom = 24;

    /// <summary>What the chart shows, for readers who cannot see it.</summary>
    public required string Label { get; init; }

    /// <summary>Names at the side.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Bars; colours c0 to c5 in order.</summary>
    public required IReadOnlyList<BarSeries> Series { get; init; }

    /// <summary>Width of the drawing; the page scales it.</summary>
    public int Width { get; init; } = 460;

    /// <summary>The SVG element.</summary>
    public string ToSvg()
    {
        // A wide character takes about twice the room of a narrow one.
        int left = Math.Clamp(14 + Names.Select(n => n.Sum(c => c > 0x2E80 ? 12 : 7)).DefaultIfEmpty().Max(), 40, 190);
        int block = (Thick * Series.Count) + Gap, height = Top + (block * Names.Count) + Bottom;
        double Place(double value) => left + (Math.Clamp(value, 0, 1) * (Width - left - Right));
        var svg = new StringBuilder();
        Append(svg, $"<svg class=\"chart\" viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(Label)}\">");
        for (int tick = 0; tick <= 5; tick++)
        {
            Append(svg, $"<path class=\"grid\" d=\"M{Place(tick / 5.0):0.#} {Top}V{height - Bottom}\"/><text x=\"{Place(tick / 5.0):0.#}\" y=\"{height - 8}\" text-anchor=\"middle\">{tick / 5.0:0.0}</text>");
        }
        for (int n = 0; n < Names.Count; n++)
        {
            double y = Top + (n * block);
            Append(svg, $"<text class=\"name\" x=\"{left - 7}\" y=\"{y + (Thick * Series.Count / 2.0) + 4:0.#}\" text-anchor=\"end\">{WebUtility.HtmlEncode(Names[n])}</text>");
            for (int s = 0; s < Series.Count; s++, y += Thick)
            {
                if (Series[s].Values[n] is { } value && double.IsFinite(value))
                {
                    double end = Place(value), middle = y + ((Thick - 2) / 2.0), right = end;
                    Append(svg, $"<rect class=\"barrow c{s % 6}\" x=\"{left}\" y=\"{y:0.#}\" width=\"{Math.Max(0.5, end - left):0.#}\" height=\"{Thick - 2}\" rx=\"1.5\"><title>{WebUtility.HtmlEncode(Series[s].Name)}: {value:0.000}</title></rect>");
                    if (Series[s].Intervals[n] is { } interval && double.IsFinite(interval.Low))
                    {
                        right = Math.Max(end, Place(interval.High));
                        Append(svg, $"<path class=\"whisker\" d=\"M{Place(interval.Low):0.#} {middle:0.#}H{Place(interval.High):0.#}\"/>");
                    }
                    Append(svg, $"<text x=\"{right + 5:0.#}\" y=\"{y + Thick - 2:0.#}\">{value:0.000}</text>");
                }
            }
        }
        return svg.Append("</svg>").ToString();
    }

    private static void Append(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture));
}
