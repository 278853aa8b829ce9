// The door to recipes: file → checked records, records → the one canonical JSON that is printed, stored with checkpoints and hashed.
// Everything that can be wrong is found here, before a document is read or a folder made.

using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace BgeSharp.Training.Stages.Recipes;

/// <summary>Reads and prints recipes.</summary>
public static class RecipeFile
{
    // Names of the common options come before those of the particular stage, so that all stages read alike.
    private static readonly JsonSerializerOptions Printed = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { OrderAsDeclared } },
    };

    /// <summary>Reads a recipe, applies overrides and checks the result.</summary>
    /// <param name="path">JSON file; comments and trailing commas are allowed. Its relative paths are relative to its folder.</param>
    /// <param name="overrides">"path=value", applied in order; relative paths in them are relative to the current folder.</param>
    /// <exception cref="BadInput">The file is missing or any part of it is unknown, of the wrong type, out of range or contradictory.</exception>
    public static Recipe Load(string path, IReadOnlyList<string> overrides)
    {
        BadInput.RequireFile(path, "recipe");
        byte[] bytes = File.ReadAllBytes(path);
        return Parse(bytes, path, Path.GetDirectoryName(Path.GetFullPath(path))!, overrides);
    }

    /// <summary>Reads a recipe from memory.</summary>
    /// <param name="utf8">JSON, with or without a byte order mark.</param>
    /// <param name="name">What messages call it, usually its path.</param>
    /// <param name="folder">Full path that relative paths in it are relative to.</param>
    /// <param name="overrides">As in <see cref="Load"/>.</param>
    /// <exception cref="BadInput">As in <see cref="Load"/>.</exception>
    public static Recipe Parse(ReadOnlySpan<byte> utf8, string name, string folder, IReadOnlyList<string> overrides)
    {
        var recipe = Bind<Recipe>(utf8, name, folder, overrides, out RecipePlaces places);
        RecipeRules.Check(recipe, places);
        return recipe;
    }

    /// <summary>Reads a recipe of a mined set: the same kind of file, with the options of <see cref="PairRecipe"/>.</summary>
    /// <param name="path">As in <see cref="Load"/>.</param>
    /// <param name="overrides">As in <see cref="Load"/>.</param>
    /// <exception cref="BadInput">As in <see cref="Load"/>.</exception>
    public static PairRecipe LoadPairs(string path, IReadOnlyList<string> overrides)
    {
        BadInput.RequireFile(path, "recipe of pairs");
        var recipe = Bind<PairRecipe>(File.ReadAllBytes(path), path, Path.GetDirectoryName(Path.GetFullPath(path))!, overrides, out RecipePlaces places);
        RecipeRules.CheckDocuments(recipe.Sources, places, "sources");
        return recipe;
    }

    /// <summary>Reads a file of other options by the same rules: comments and trailing commas are allowed; an unknown key, a wrong type and null where none is allowed are errors with a line, and so is what the record's own limits do not allow.</summary>
    /// <typeparam name="T">Record of options. Records in it have no limits of their own.</typeparam>
    /// <param name="path">JSON file.</param>
    /// <param name="what">What the file is, for errors.</param>
    /// <param name="places">Where each value stands, for errors of the caller's own.</param>
    /// <exception cref="BadInput">As in <see cref="Load"/>.</exception>
    public static T LoadOptions<T>(string path, string what, out RecipePlaces places) where T : class
    {
        BadInput.RequireFile(path, what);
        return Bind<T>(File.ReadAllBytes(path), path, Path.GetDirectoryName(Path.GetFullPath(path))!, [], out places, what);
    }

    /// <summary>Checks a recipe of pairs made in code as <see cref="LoadPairs"/> checks a file.</summary>
    /// <exception cref="BadInput">An option is out of range or contradicts another.</exception>
    public static void Check(PairRecipe recipe)
    {
        var places = new RecipePlaces("pairs");
        RecipeValidation.Check(recipe, "", places);
        RecipeRules.CheckDocuments(recipe.Sources, places, "sources");
    }

    /// <summary>Checks a recipe made in code as <see cref="Load"/> checks a file.</summary>
    /// <exception cref="BadInput">An option is out of range or contradicts another.</exception>
    public static void Check(Recipe recipe)
    {
        var places = new RecipePlaces("recipe " + recipe.Name);
        RecipeValidation.Check(recipe, "", places);
        RecipeRules.Check(recipe, places);
    }

    /// <summary>The recipe with all its values, defaults included, as indented JSON in the order of declaration; <see cref="Parse"/> reads it back.</summary>
    public static string ToJson(Recipe recipe) => JsonSerializer.Serialize(recipe, Printed) + "\n";

    /// <summary>The same for a recipe of pairs.</summary>
    public static string ToJson(PairRecipe recipe) => JsonSerializer.Serialize(recipe, Printed) + "\n";

    /// <summary>SHA-256 of <see cref="ToJson(Recipe)"/>, 64 lower-case hexadecimal digits: equal for equal runs.</summary>
    public static string Hash(Recipe recipe) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ToJson(recipe))));

    private static T Bind<T>(ReadOnlySpan<byte> utf8, string name, string folder, IReadOnlyList<string> overrides, out RecipePlaces places, string what = "recipe") where T : class
    {
        RecipeNode root = ReadTree(utf8.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8, name);
        if (root.Kind != JsonValueKind.Object)
        {
            throw new BadInput($"{root.Origin}: the {what} is {root.Describe()}, an object is needed.");
        }
        foreach (string assignment in overrides)
        {
            RecipeOverrides.Apply(root, assignment);
        }
        places = new RecipePlaces(name);
        var binder = new RecipeBinder(places, (path, fromCommandLine) => Path.GetFullPath(path, fromCommandLine ? Environment.CurrentDirectory : folder));
        var recipe = (T)binder.BindRecord(root, typeof(T), "");
        RecipeValidation.Check(recipe, "", places);
        return recipe;
    }

    private static RecipeNode ReadTree(ReadOnlySpan<byte> utf8, string name)
    {
        try
        {
            return RecipeNode.Parse(utf8, line => $"{name}:{line}");
        }
        catch (JsonException e)
        {
            // The reader's own sentence ends with its zero-based position.
            string reason = e.Message.Split(" LineNumber:")[0].TrimEnd('.');
            throw BadInput.At(name, (e.LineNumber ?? 0) + 1, $"not valid JSON: {reason}.");
        }
        catch (InvalidOperationException e)
        {
            throw new BadInput($"{name}: a string in it is not valid UTF-8; save the file as UTF-8.", e);
        }
    }

    private static void OrderAsDeclared(JsonTypeInfo type)
    {
        var order = RecipeBinder.OptionsOf(type.Type).Select((o, i) => (o.Name, i)).ToDictionary(o => o.Name, o => o.i);
        foreach (JsonPropertyInfo property in type.Properties)
        {
            property.Order = order.GetValueOrDefault(property.Name);
        }
    }
}
