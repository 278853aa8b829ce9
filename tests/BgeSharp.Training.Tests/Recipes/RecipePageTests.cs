// docs/recipes.md says that it lists every option: it must.

using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Tests.Recipes;

public sealed class RecipePageTests
{
    [Fact]
    public void The_page_lists_every_option()
    {
        string page = File.ReadAllText(Path.Combine(GoldenCase.ProjectRoot, "docs", "recipes.md"));
        IEnumerable<Type> records = typeof(Recipe).Assembly.GetTypes()
            .Where(t => t.Namespace == typeof(Recipe).Namespace && (t == typeof(Recipe) || t.Name.EndsWith("Options", StringComparison.Ordinal)) && !t.IsInterface);
        IEnumerable<string> missing = records
            .SelectMany(t => t.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
                .Where(p => p.CanWrite && p.GetCustomAttribute<JsonIgnoreAttribute>() is null)
                .Select(p => (Record: t.Name, Option: JsonNamingPolicy.CamelCase.ConvertName(p.Name))))
            .Where(o => !page.Contains($"`{o.Option}`", StringComparison.Ordinal) && !page.Contains($"`{o.Option}.", StringComparison.Ordinal) && !page.Contains($".{o.Option}`", StringComparison.Ordinal))
            .Select(o => $"{o.Record}.{o.Option}")
            .Order(StringComparer.Ordinal);
        Assert.Equal("", string.Join(" ", missing));
    }
}
